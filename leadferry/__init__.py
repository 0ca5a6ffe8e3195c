"""Leadferry carries leads from a form on any page to the CRM, and proves that none was lost."""

__version__ = "0.1.0"
