# The commands of the whole course, which the student edition does not have.

.PHONY: test student constraints browser sandbox hostile soak benchmark

test: $(VENV)/installed-all browser sandbox  ## run every test
	$(RUN) python -m pytest -n 2 --dist loadscope --no-loadscope-reorder --durations 15

browser: $(VENV)/installed-all
	@$(RUN) python tests/chromium.py --install

sandbox: $(VENV)/installed-all  ## say whether students' code can be run safely here; as root, install bubblewrap
	@$(RUN) python -m grading sandbox --install

hostile: $(VENV)/installed-all sandbox  ## grade a class of hostile submissions, and vet them
	$(RUN) python -m pytest tests/test_hostile.py tests/test_vetting.py tests/test_exchange_safety.py

soak: $(VENV)/installed-all sandbox  ## grade classes while graders, sandboxes, workers and schedulers are killed (20 minutes)
	$(RUN) python tests/soak.py

benchmark: $(VENV)/installed-all sandbox  ## grade a class by plain nbgrader and by the course's graders, and compare
	$(RUN) python -m benchmarks.autograde

student: $(VENV)/installed-all  ## write the student edition: a folder and a zip under build/
	@$(RUN) python -m grading student

constraints:  ## choose the newest versions anew and pin them in constraints.txt
	rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	$(PYTHON) book/requirements.py instructor cluster test > build/constraints/requirements.txt
	build/constraints/bin/python -m pip install --disable-pip-version-check --quiet "$$(grep '^torch==' constraints.txt)" -r build/constraints/requirements.txt
	{ grep '^#' constraints.txt; build/constraints/bin/python -m pip freeze | sed 's/^\(torch==[^+]*\)+.*/\1/'; } > build/constraints/new.txt
	mv build/constraints/new.txt constraints.txt

$(VENV)/installed-all: pyproject.toml constraints.txt book/requirements.py tests/peers/requirements.txt | same-python
	$(VENV)/bin/python book/requirements.py instructor cluster test > $(VENV)/requirements.txt
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -r $(VENV)/requirements.txt
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --no-deps -r tests/peers/requirements.txt
	@touch $(VENV)/installed $@
