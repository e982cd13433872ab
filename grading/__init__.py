"""The instructor's tooling: everything that is derived from the chapters and the reference. Never shipped to students."""
