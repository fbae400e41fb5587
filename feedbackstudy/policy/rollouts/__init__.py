"""Roll-outs: units change over to a policy one after the other; what that did, from sums by unit and period."""
