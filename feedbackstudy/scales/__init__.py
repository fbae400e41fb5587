"""What is measured: the scale library, batteries, scoring and the evidence behind every key."""

from feedbackstudy.scales.audit import KeyAudit, key_audit
from feedbackstudy.scales.batteries import Battery, battery
from feedbackstudy.scales.changes import Change, ReliableChange, change, reliable_change
from feedbackstudy.scales.check import check_measures
from feedbackstudy.scales.codebook import codebook_csv, codebook_markdown, definition_schema
from feedbackstudy.scales.coding_sheets import CodedMessages, coding_sheet, join_codes
from feedbackstudy.scales.completion import contribution
from feedbackstudy.scales.jobs import item_columns
from feedbackstudy.scales.keyings import Printed
from feedbackstudy.scales.libraries import Library, library
from feedbackstudy.scales.libraries import find_scales as find
from feedbackstudy.scales.libraries import get_scale as get
from feedbackstudy.scales.libraries import list_scales as list
from feedbackstudy.scales.norms import LocalNorms, Normed, local_norms, normed
from feedbackstudy.scales.osd import read_osd, to_osd
from feedbackstudy.scales.recode import declare_missing, shift_codes
from feedbackstudy.scales.reproschema import to_reproschema
from feedbackstudy.scales.scale import IncompleteScaleError, Scale
from feedbackstudy.scales.scoring import score
from feedbackstudy.scales.syntax import to_lavaan, to_psych_keys
from feedbackstudy.scales.wording import Wording, load_wording, own_wording
from feedbackstudy.scales.wording_lock import check_lock, lock_wording

__all__ = [
    "Battery",
    "Change",
    "CodedMessages",
    "IncompleteScaleError",
    "KeyAudit",
    "Library",
    "LocalNorms",
    "Normed",
    "Printed",
    "ReliableChange",
    "Scale",
    "Wording",
    "battery",
    "change",
    "check_lock",
    "check_measures",
    "codebook_csv",
    "codebook_markdown",
    "coding_sheet",
    "contribution",
    "declare_missing",
    "definition_schema",
    "find",
    "get",
    "item_columns",
    "join_codes",
    "key_audit",
    "library",
    "list",
    "load_wording",
    "local_norms",
    "lock_wording",
    "normed",
    "own_wording",
    "read_osd",
    "reliable_change",
    "score",
    "shift_codes",
    "to_lavaan",
    "to_osd",
    "to_psych_keys",
    "to_reproschema",
]
