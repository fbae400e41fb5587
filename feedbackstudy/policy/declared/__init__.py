"""What a change of policy is to be judged by, fixed before anybody looks: treatment, metrics, looks, decision."""

from feedbackstudy.policy.declared.applications import ApplicationColumns, Window
from feedbackstudy.policy.declared.deciding import DecisionRule, DisclosureRule, Looks, Utility
from feedbackstudy.policy.declared.metrics import Metric
from feedbackstudy.policy.declared.plan import PolicyPlan
from feedbackstudy.policy.declared.treatment import Experiment, PolicyArm, Rollout

__all__ = [
    "ApplicationColumns",
    "DecisionRule",
    "DisclosureRule",
    "Experiment",
    "Looks",
    "Metric",
    "PolicyArm",
    "PolicyPlan",
    "Rollout",
    "Utility",
    "Window",
]
