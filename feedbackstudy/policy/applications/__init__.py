"""A table of applications, whichever system it comes from and whichever engine holds it."""

from feedbackstudy.policy.applications.schema import ATSSchema, starts_of
from feedbackstudy.policy.applications.synthetic import SyntheticApplications, synthetic_applications
from feedbackstudy.policy.applications.table import ApplicationTable, compress

__all__ = ["ATSSchema", "ApplicationTable", "SyntheticApplications", "compress", "starts_of", "synthetic_applications"]
