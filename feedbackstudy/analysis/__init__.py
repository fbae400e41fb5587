"""Answers: what every engine returns, and the engines, frequentist and Bayesian."""
