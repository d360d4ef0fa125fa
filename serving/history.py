"""Import a history of events into the log: `python -m serving.history FILE [--map events.yaml] [--strict]`."""

import argparse
import gc
import sys
from pathlib import Path

from features.cache import keep_compiled
from serving.settings import settings_of_process


def main() -> int:
    """Import the file that the command line names; 0 imported, 1 refused."""
    arguments = _arguments()
    settings = settings_of_process()
    keep_compiled(settings.home)
    # Only now: what follows imports numba, which reads once where compiled kernels are kept.
    from serving.clock import wall
    from serving.database import database_of_command
    from serving.history_import import HistoryRefused, import_history, report
    from serving.history_lines import FileRefused, importable, refusal
    from serving.mapping_file import MappingRefused, read_mapping
    from serving.progress import Progress

    # Millions of rows pass through and leave no cycles: the collector need not walk them, nor all modules.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    try:
        mapping = read_mapping(settings.events, arguments.map)
        with database_of_command(settings.database) as database:
            done = import_history(
                importable(arguments.file),
                database=database,
                home=settings.home,
                mapping=mapping,
                received_at=wall(),
                strict=arguments.strict,
                tracking=settings.required_consent,
                progress=Progress(quiet=not sys.stderr.isatty()),
            )
    except (FileRefused, OSError) as refused:
        sys.stderr.write(refusal(arguments.file, refused))
        return 1
    except (MappingRefused, HistoryRefused) as refused:
        sys.stderr.write(f"nothing imported: {refused}\n")
        return 1
    sys.stdout.write(report(done, mapping) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m serving.history", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="events as .jsonl, .csv or .parquet; also .gz")
    parser.add_argument("--file", type=Path, dest="named", help="the same, by name")
    parser.add_argument("--map", type=Path, help="a mapping file, laid over the shipped one")
    parser.add_argument("--strict", action="store_true", help="import nothing if any row is bad")
    arguments = parser.parse_args()
    arguments.file = arguments.file or arguments.named
    if arguments.file is None:
        parser.error("say which file to import")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
