"""A graph is compiled once in a process; data are put in by name; what the graph lacks is passed over."""

import numpy as np


def test_other_data_leave_the_first_program_as_it_was(binary_fit):
    first = binary_fit.model.compiled()

    second = first.with_data({"cell": 1 - binary_fit.model.rows.cell, "not in the graph": np.zeros(3)})

    def cell(compiled):
        key = next(key for variable, key in compiled.program.shared_var_keys.items() if variable.name == "cell")
        return compiled.program.shared_data[key]

    assert cell(first).tolist() == binary_fit.model.rows.cell.tolist()
    assert cell(second).tolist() == (1 - binary_fit.model.rows.cell).tolist()
