"""Checking whether the files, and the quotations of a saved answer, are as they were indexed."""
