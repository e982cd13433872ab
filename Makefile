# The course's commands; `make help` lists them. PYTHON=python3.12 chooses the interpreter of the virtual environment.

VENV := .venv
# a recipe's PATH begins with the environment, so that jupyter-book, pytest and the kernels are its own
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"
EDITION := $(wildcard grading/course.mk)
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(SUPPORTED)' 2>/dev/null && { echo $$p; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help book board test clean

help:  ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(EDITION) Makefile | \
		awk -F'|' '!seen[$$1]++ { printf "%-20s %s\n", $$1, $$2 }'

book: $(VENV)/installed  ## build the book and say where to open it
	@$(RUN) jupyter-book build .
	@echo "Open $(CURDIR)/_build/html/index.html in a browser."

board: $(VENV)/installed  ## show which exercises are done and which are left
	@$(RUN) python -m ddpmlib

clean:  ## delete the built book and what was derived; keeps the environment (delete .venv for that)
	rm -rf _build build .pytest_cache

$(VENV)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.11, 3.12 or 3.13 found: install one, or name it: make book PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@$(PYTHON) -c '$(SUPPORTED)' 2>/dev/null || { echo "The course needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo not to be found)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(PYTHON) --version > $@

.PHONY: same-python
same-python: $(VENV)/python
	@if [ "$(origin PYTHON)" != file ] && [ "$$($(PYTHON) --version)" != "$$(cat $<)" ]; then \
		echo "$(VENV) was made with $$(cat $<); delete it to use $(PYTHON)." >&2; exit 1; fi

# each stamp is newer than what it was made from as long as nothing changed
$(VENV)/installed: pyproject.toml constraints.txt book/requirements.py | same-python
	$(VENV)/bin/python book/requirements.py > $(VENV)/requirements.txt
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -r $(VENV)/requirements.txt
	@touch $@

ifeq ($(EDITION),)
test: $(VENV)/installed  ## check all exercises on your code
	@$(RUN) python -m pytest -q tests
else
include $(EDITION)
endif
