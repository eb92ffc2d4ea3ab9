# Builds a layer for `sam build` (BuildMethod: makefile): a group of the lock file and, where it has one, a package of ours, in python/.
# The layer's own Makefile says which: GROUP and PACKAGE. SAM runs it from a copy of its folder, but names it where it really lies:
# the repository is found from there.
#
# LAYER_TARGET  what the wheels are for; `host` takes this machine and LAYER_PYTHON's version, as the local AWS needs
# LAYER_PYTHON  the Python that runs uv's resolver; for `host` also the one that the layer is for

LAYER := $(abspath $(dir $(firstword $(MAKEFILE_LIST))))
REPOSITORY := $(abspath $(LAYER)/../..)
LAYER_TARGET ?= aarch64-manylinux2014
LAYER_PYTHON ?= $(firstword $(wildcard $(REPOSITORY)/.venv/bin/python $(REPOSITORY)/.venv-sam/bin/python) python3)
RUNTIME := 3.13
UV := $(firstword $(wildcard $(REPOSITORY)/.uv/bin/uv) uv)

PLATFORM_OPTIONS := $(if $(filter host,$(LAYER_TARGET)),,--python-platform $(LAYER_TARGET) --python-version $(RUNTIME))
PACKAGES := $(ARTIFACTS_DIR)/python
# A layer is read-only on Lambda: what is not compiled here is compiled at every cold start. Another Python's byte code would be ignored.
# The hash is not checked against the source, whose times do not survive the upload; paths are Lambda's, so that a build is reproducible.
COMPILE = if [ "$(LAYER_TARGET)" = host ] || "$(LAYER_PYTHON)" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(RUNTIME)")'; then \
	"$(LAYER_PYTHON)" -m compileall -q --invalidation-mode unchecked-hash -s "$(ARTIFACTS_DIR)" -p /opt "$(PACKAGES)"; \
	else echo "not compiled, so slower to start: that takes Python $(RUNTIME), and this is $$("$(LAYER_PYTHON)" -V)"; fi
# Beside the artifacts, not in them, and of this build alone: two builds may run at once.
LOCKED := $(ARTIFACTS_DIR).locked.txt

# `build-` and the layer's logical id in the template.
build-%:
	@rm -rf "$(PACKAGES)" && mkdir -p "$(PACKAGES)"
	@"$(UV)" export --quiet --project "$(REPOSITORY)" --frozen --only-group $(GROUP) --no-header --output-file "$(LOCKED)"
	@"$(UV)" pip install --quiet --python "$(LAYER_PYTHON)" --target "$(PACKAGES)" $(PLATFORM_OPTIONS) \
		--only-binary :all: --no-deps --require-hashes --link-mode copy --requirement "$(LOCKED)"
	@$(if $(PACKAGE),cp -R "$(LAYER)/$(PACKAGE)" "$(PACKAGES)/$(PACKAGE)")
	@rm -rf "$(LOCKED)" "$(PACKAGES)/bin" "$(PACKAGES)/.lock"
	@find "$(PACKAGES)" -name __pycache__ -type d -prune -exec rm -rf {} +
	@$(COMPILE)
