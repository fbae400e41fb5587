"""Missing data beside complete cases: full information likelihood and multiple imputation, under the same verbs."""
