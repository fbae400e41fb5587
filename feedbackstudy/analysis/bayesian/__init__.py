"""Bayesian engines: closed forms, quadrature, and samplers behind convergence gates."""
