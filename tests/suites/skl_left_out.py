"""What the suite `sklearn` cannot hold as it is, each with the reason. converted.py holds these lists
against what happens: an entry that is no longer true fails."""

# Cases that convert, but where ONNX Runtime's answer to the export is not scikit-learn's. Whose doing:
#   conversion   the exported graph says something else; onnx's reference implementation differs too
#   float32      the exported numbers are 32 bits wide, and that decides
#   onnxruntime  the export is right (onnx's reference implementation agrees, where it has the operators)
UNUSED_NAN = "the export sends every NaN to the false branch; scikit-learn learnt a side for each node"
NEGATIVE = "rows with fewer neighbours are padded with index -1, which ONNX Runtime's ArrayFeatureExtractor refuses"
STEPS = "the export has the steps of the isotonic function, scikit-learn interpolates between them"
UNIFORM = "the weights are taken from the negated distance, so that all neighbours weigh the same"
LOG = "the export computes log(1 + tf), scikit-learn 1 + log(tf)"
DIFFER = {
    "RandomForestClassifier-ties": ("float32", "20 votes of 1/20 in 32 bits are no longer exactly a half"),
    "RandomForestClassifier-missing": ("conversion", UNUSED_NAN),
    "DecisionTreeClassifier-missing": ("conversion", UNUSED_NAN),
    "RandomForestRegressor-missing": ("conversion", UNUSED_NAN),
    "GradientBoostingClassifier-zero-init": ("onnxruntime", "one base value for three classes is refused"),
    "LinearDiscriminantAnalysis-binary": ("conversion", "softmax over -d and d in the place of the sigmoid of d"),
    "GaussianProcessClassifier-binary": ("conversion", "needs an operator Solve of com.microsoft, which nobody has"),
    "KNeighborsClassifier-distance": ("conversion", UNIFORM),
    "KNeighborsRegressor-distance": ("conversion", UNIFORM),
    "RadiusNeighborsClassifier-multiclass": ("onnxruntime", NEGATIVE),
    "RadiusNeighborsClassifier-distance": ("onnxruntime", NEGATIVE),
    "RadiusNeighborsRegressor-one": ("onnxruntime", NEGATIVE),
    "OneVsRestClassifier-svc": ("conversion", "the decision values of LinearSVC are passed on transformed"),
    "CalibratedClassifierCV-isotonic-binary": ("conversion", STEPS),
    "CalibratedClassifierCV-isotonic-multiclass": ("conversion", STEPS),
    "TunedThresholdClassifierCV-binary": ("conversion", "the tuned threshold is left out"),
    "BayesianRidge-std": ("conversion", "the offset is not taken from the rows before the deviation"),
    "MLPRegressor-several": ("conversion", "several targets are put into one column"),
    "Normalizer-max": ("onnxruntime", "divides by the largest value, scikit-learn by the largest magnitude"),
    "TfidfVectorizer-bigrams": ("conversion", LOG),
    "TfidfTransformer-sublinear": ("conversion", LOG),
    "CountVectorizer-en-us": ("onnxruntime", "needs the locale en_US.UTF-8 of the machine, which may not have it"),
}

# Cases that skl2onnx does not convert.
NOT_CONVERTED = {
    "GaussianProcessClassifier-multiclass": "two classes only",
    "KBinsDiscretizer-onehot-sparse": "sparse output",
    "SimpleImputer-integers": "integers where 0 is missing",
    "KNNImputer-distance": "weights by distance",
    "OneHotEncoder-infrequent": "infrequent categories",
}
