"""What stands for `sys.executable` where a test starts a process that imports Feast, MLflow or LightGBM."""

import os

from tests.preloaded.started import NAME

PYTHON = os.environ[NAME]
