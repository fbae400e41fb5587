"""Published tables that come with feedbackstudy, and the way to those that may not be passed on."""

from feedbackstudy.datasets.catalogue import Catalogue, is_present, list_datasets, load
from feedbackstudy.datasets.fetch import get
from feedbackstudy.datasets.record import Dataset, Variable

__all__ = ["Catalogue", "Dataset", "Variable", "get", "is_present", "list", "list_datasets", "load"]

list = list_datasets
