"""What the suite `sklearn` cannot hold as it is, each with the reason. skl_suite.py holds these lists
against what happens: an entry that is no longer true fails."""

# Cases that convert, but whose export does not answer as scikit-learn does.
DIFFER = {}

# Cases that skl2onnx does not convert.
NOT_CONVERTED = {}

# Names that skl2onnx lists and that are no estimators to export.
NO_CASE = {}
