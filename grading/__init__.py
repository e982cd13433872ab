"""The instructor's tools; none of them is shipped to students.

How a submission is graded. No score is computed in a process that ran a student's code::

    submitted/<student>/<chapter>/            what was handed in; only vetting reads it
        | vetting.vet(submission, assignment, target) -> list[Finding]
        v
    a clean folder: a sound notebook and the student's modules
        | autograde.CourseAutograde           nbgrader's converter, which every way of grading goes through
        |   JudgeExercises (a preprocessor)   in the trusted process, for each exercise of the notebook:
        |     judged.grade_exercises(sandbox, files, numbers, seeds=...) -> list[Graded]
        |       sandbox.Sandbox(...).run(files, jobs) -> list[Answer]      the student's functions on the cases
        |       judged.received(...)          bytes of unknown making -> plain values, or a sentence
        |       ddpmlib.checks.judging.judge  values -> verdict
        v
    autograded/<student>/<chapter>/<chapter>.ipynb   report and points in the grade cells; nbgrader saves them in the gradebook
    autograded/<student>/<chapter>/verdicts.json     written last, when all else of the submission is done

``verdicts.json`` holds what reports and regrading need: ``student``, ``chapter``, ``submitted`` (the time stamp), ``fingerprint``
(of what was handed in), ``sandbox``, ``graded_at``, ``seconds``, ``findings`` (``{"kind", "says"}``, from vetting), and ``exercises``: for
each ``number``, ``points``, ``of``, ``status`` ("done", "failing", "not started"), ``seed``, ``seconds``, ``failure`` (what ended the
student's code, if not itself), ``problems`` (``{"part", "weight", "case", "cause"}``) and ``notes``.

``classes.grade_class(...)`` grades many submissions at the same time; ``python -m grading autograde`` calls it.
"""
