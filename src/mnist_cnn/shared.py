"""What Python and the JavaScript of the views have in common: colours and thresholds."""

import json
from pathlib import Path
from typing import Any

SHARED: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("shared.json").read_text(encoding="utf-8")
)
