"""How likely a purchase was when something was decided, as SQL: also where what was compared was something else."""

from typing import Final

from models.horizon import UPLIFT_REGISTERED

BY_UPLIFT: Final = f"coalesce(d.model_version, '') LIKE '{UPLIFT_REGISTERED}%'"
"""Whether a row `d` of `decisions` went by what the message adds."""
INTENT: Final = f"""
CASE WHEN {BY_UPLIFT} THEN json_extract(e.scores, '$."' || d.horizon || '"') ELSE d.score END
"""
"""The probability of a purchase behind a row `d` of `decisions`, whose evaluation is `e`; NULL where it is unknown."""
