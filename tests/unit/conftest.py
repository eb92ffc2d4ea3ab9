"""Settings of the property tests."""

from __future__ import annotations

from hypothesis import settings

# The first example pays for lazy imports, and a busy machine is no defect of the code.
settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
