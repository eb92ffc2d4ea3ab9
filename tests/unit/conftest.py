"""Settings of the property tests."""

from __future__ import annotations

import os

from hypothesis import settings

# The same examples in every run, so that a build fails for a change and not by chance. `HYPOTHESIS_PROFILE=search` looks for new ones.
# The first example pays for lazy imports, and a busy machine is no defect of the code.
settings.register_profile("unit", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))
