"""Classifiers of the suite `sklearn`."""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, ConstantKernel
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    PassiveAggressiveClassifier,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType

from skl_case import Case, classes, classifier, counts, integers, split, with_holes


def cases():
    two, three, text = classes(2), classes(3), classes(4, text=True)
    both = (("binary", two), ("multiclass", three))
    yield from trees(two, three, text)
    yield from linear(both, text)
    yield from machines(both, text)
    yield from bayes(two)
    yield from neighbours(both, text)
    yield from composed(two, three, text)


def trees(two, three, text):
    yield classifier("DecisionTreeClassifier-binary", DecisionTreeClassifier(max_depth=6, random_state=0), two)
    yield classifier("DecisionTreeClassifier-multiclass", DecisionTreeClassifier(random_state=0), three)
    yield classifier("DecisionTreeClassifier-text", DecisionTreeClassifier(max_depth=4, random_state=0), text)
    yield leaf_of(DecisionTreeClassifier(max_depth=4, random_state=0), three)
    yield classifier("ExtraTreeClassifier-multiclass", ExtraTreeClassifier(max_depth=6, random_state=0), three)
    yield classifier("RandomForestClassifier-binary", RandomForestClassifier(21, random_state=0), two)
    yield classifier("RandomForestClassifier-ties", RandomForestClassifier(20, random_state=0), two)
    yield classifier("RandomForestClassifier-multiclass", RandomForestClassifier(100, max_depth=12, random_state=0), three)
    yield classifier("RandomForestClassifier-text", RandomForestClassifier(10, max_depth=5, random_state=0), text)
    weighted = RandomForestClassifier(10, class_weight="balanced", max_leaf_nodes=20, random_state=0)
    yield classifier("RandomForestClassifier-balanced", weighted, three)
    holed = tuple(with_holes(rows) for rows in three[:2])
    yield classifier("RandomForestClassifier-missing", RandomForestClassifier(10, random_state=0), (*holed, three[2]))
    yield classifier("DecisionTreeClassifier-missing", DecisionTreeClassifier(random_state=0), (*holed, three[2]))
    yield classifier("ExtraTreesClassifier-binary", ExtraTreesClassifier(20, max_depth=8, random_state=0), two)
    yield classifier("ExtraTreesClassifier-multiclass", ExtraTreesClassifier(20, random_state=0), three)
    yield classifier("GradientBoostingClassifier-binary", GradientBoostingClassifier(n_estimators=50, random_state=0), two)
    boosted = GradientBoostingClassifier(n_estimators=30, random_state=0)
    yield classifier("GradientBoostingClassifier-multiclass", boosted, three)
    boosted = GradientBoostingClassifier(n_estimators=30, random_state=0)
    yield classifier("GradientBoostingClassifier-raw", boosted, two, scores="decision_function")
    boosted = GradientBoostingClassifier(n_estimators=10, init="zero", subsample=0.7, random_state=0)
    yield classifier("GradientBoostingClassifier-zero-init", boosted, three)
    boosted = GradientBoostingClassifier(n_estimators=10, loss="exponential", random_state=0)
    yield classifier("GradientBoostingClassifier-exponential", boosted, two)
    for name, data in (("binary", two), ("multiclass", three), ("text", text)):
        yield classifier(f"HistGradientBoostingClassifier-{name}", HistGradientBoostingClassifier(max_iter=20), data)
    yield classifier(
        "HistGradientBoostingClassifier-missing", HistGradientBoostingClassifier(max_iter=20), (*holed, three[2])
    )
    for name, data in (("binary", two), ("multiclass", three)):
        yield classifier(f"AdaBoostClassifier-{name}", AdaBoostClassifier(n_estimators=10, random_state=0), data)
    deep = AdaBoostClassifier(DecisionTreeClassifier(max_depth=3, random_state=0), n_estimators=8, random_state=0)
    yield classifier("AdaBoostClassifier-deep", deep, three)


def leaf_of(model, data):
    """A third output: the leaf each row ends in."""
    case = classifier("DecisionTreeClassifier-leaf", model, data, options={"decision_leaf": True})
    case.outputs.append(model.apply(data[1]))
    return case


def linear(both, text):
    for name, data in (*both, ("text", text)):
        yield classifier(f"LogisticRegression-{name}", LogisticRegression(max_iter=300), data)
    for name, data in both:
        yield classifier(f"LogisticRegression-raw-{name}", LogisticRegression(max_iter=300), data, scores="decision_function")
        yield classifier(f"LogisticRegressionCV-{name}", LogisticRegressionCV(Cs=3, cv=2, max_iter=300), data)
        yield classifier(f"LinearDiscriminantAnalysis-{name}", LinearDiscriminantAnalysis(), data)
        yield classifier(f"QuadraticDiscriminantAnalysis-{name}", QuadraticDiscriminantAnalysis(), data)
        yield classifier(f"RidgeClassifier-{name}", RidgeClassifier(), data)
        yield classifier(f"RidgeClassifierCV-{name}", RidgeClassifierCV(), data)
        yield classifier(f"Perceptron-{name}", Perceptron(random_state=0), data)
        yield classifier(f"PassiveAggressiveClassifier-{name}", PassiveAggressiveClassifier(random_state=0), data)
        for loss in ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron"):
            model = SGDClassifier(loss=loss, alpha=0.01, learning_rate="invscaling", eta0=0.01, random_state=0)
            yield classifier(f"SGDClassifier-{loss}-{name}", model, data)
    fitted = LogisticRegression(max_iter=300, fit_intercept=False)
    yield classifier("LogisticRegression-no-intercept", fitted, both[1][1])


def machines(both, text):
    for name, data in both:
        for kernel in ("linear", "poly", "rbf", "sigmoid"):
            yield classifier(f"SVC-{kernel}-{name}", SVC(kernel=kernel, random_state=0), data)
        yield classifier(f"SVC-probability-{name}", SVC(probability=True, random_state=0), data)
        yield classifier(f"NuSVC-{name}", NuSVC(nu=0.3, random_state=0), data)
        yield classifier(f"NuSVC-probability-{name}", NuSVC(nu=0.3, probability=True, random_state=0), data)
        yield classifier(f"LinearSVC-{name}", LinearSVC(random_state=0), data)
    yield classifier("SVC-one-against-one", SVC(decision_function_shape="ovo", random_state=0), text)
    yield classifier("SVC-text", SVC(gamma=0.2, coef0=0.1, random_state=0), text)
    yield classifier("SVC-balanced", SVC(class_weight="balanced", C=3, random_state=0), both[1][1])
    for activation in ("relu", "tanh", "logistic", "identity"):
        net = MLPClassifier((12, 6), activation=activation, max_iter=80, random_state=0)
        yield classifier(f"MLPClassifier-{activation}", net, both[1][1])
    yield classifier("MLPClassifier-binary", MLPClassifier((8,), max_iter=80, random_state=0), both[0][1])
    for name, data in both:
        kernel = ConstantKernel(1.5, "fixed") * RBF(1.2, "fixed")
        process = GaussianProcessClassifier(kernel, random_state=0, n_restarts_optimizer=0)
        x, test, y = data
        narrow = (x[:80].astype(np.float64), test.astype(np.float64), y[:80])
        types = [("x", DoubleTensorType([None, x.shape[1]]))]
        yield classifier(f"GaussianProcessClassifier-{name}", process, narrow, types=types)


def bayes(two):
    data = counts()
    for make in (MultinomialNB, ComplementNB, BernoulliNB, GaussianNB):
        yield classifier(f"{make.__name__}-counts", make(), data)
    yield classifier("GaussianNB-binary", GaussianNB(), two)
    yield classifier("BernoulliNB-threshold", BernoulliNB(binarize=0.5), two)
    rows = integers(4, 5)
    y = (rows.sum(axis=1) + integers(1, 3, 9)[:, 0]) % 3
    x, test, y = split(rows, y)
    types = [("x", Int64TensorType([None, rows.shape[1]]))]
    yield classifier("CategoricalNB-integers", CategoricalNB(min_categories=5), (x, test, y), types=types)
    as_floats = (x.astype(np.float32), test.astype(np.float32), y)
    yield classifier("CategoricalNB-floats", CategoricalNB(min_categories=5), as_floats)
    wide = (x.astype(np.float32), test.astype(np.float32), y)
    yield classifier("MultinomialNB-no-prior", MultinomialNB(fit_prior=False, alpha=0.3), wide)


def neighbours(both, text):
    for name, data in (*both, ("text", text)):
        yield classifier(f"KNeighborsClassifier-{name}", KNeighborsClassifier(5), data)
    three = both[1][1]
    yield classifier("KNeighborsClassifier-distance", KNeighborsClassifier(4, weights="distance"), three)
    yield classifier("KNeighborsClassifier-manhattan", KNeighborsClassifier(3, metric="manhattan"), three)
    yield classifier("RadiusNeighborsClassifier-multiclass", RadiusNeighborsClassifier(5.0), three)
    far = RadiusNeighborsClassifier(6.0, weights="distance")
    yield classifier("RadiusNeighborsClassifier-distance", far, both[0][1])


def composed(two, three, text):
    for name, data in (("binary", two), ("multiclass", three), ("text", text)):
        yield classifier(f"OneVsRestClassifier-{name}", OneVsRestClassifier(LogisticRegression(max_iter=300)), data)
    yield classifier("OneVsOneClassifier-multiclass", OneVsOneClassifier(LogisticRegression(max_iter=300)), three)
    yield classifier("OneVsRestClassifier-svc", OneVsRestClassifier(LinearSVC(random_state=0)), three)
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    yield classifier("BaggingClassifier-multiclass", BaggingClassifier(tree, 6, random_state=0), three)
    part = BaggingClassifier(LogisticRegression(), 6, max_features=0.5, random_state=0)
    yield classifier("BaggingClassifier-features", part, two)
    members = [("a", LogisticRegression(max_iter=300)), ("b", DecisionTreeClassifier(max_depth=4, random_state=0))]
    yield classifier("VotingClassifier-soft", VotingClassifier(members, voting="soft", weights=np.array([1, 2]), flatten_transform=False), three)
    yield hard_vote(members, three)
    yield classifier("StackingClassifier-multiclass", StackingClassifier(members, LogisticRegression(max_iter=300), cv=2), three)
    yield classifier("StackingClassifier-passthrough", StackingClassifier(members, LogisticRegression(max_iter=300), cv=2, passthrough=True), two)
    for method in ("sigmoid", "isotonic"):
        for name, data in (("binary", two), ("multiclass", three)):
            fitted = CalibratedClassifierCV(LinearSVC(random_state=0), method=method, cv=2)
            yield classifier(f"CalibratedClassifierCV-{method}-{name}", fitted, data)
    fitted = CalibratedClassifierCV(RandomForestClassifier(5, random_state=0), cv=2)
    yield classifier("CalibratedClassifierCV-forest", fitted, three)
    search = GridSearchCV(RandomForestClassifier(5, random_state=0), {"max_depth": [3, 5]}, cv=2)
    yield classifier("GridSearchCV-classifier", search, three)
    tuned = TunedThresholdClassifierCV(LogisticRegression(), cv=2, random_state=0)
    yield classifier("TunedThresholdClassifierCV-binary", tuned, two)
    yield several(two, three)


def hard_vote(members, data):
    """Labels by majority; the scores are the share of votes."""
    x, test, y = data
    model = VotingClassifier(members, voting="hard", flatten_transform=False).fit(x, y)
    votes = np.stack([one.predict(test) for one in model.estimators_], axis=1)
    share = np.stack([(votes == label).mean(axis=1) for label in range(len(model.classes_))], axis=1)
    return Case("VotingClassifier-hard", model, test, [model.predict(test), share], {id(model): {"zipmap": False}})


def several(two, three):
    """Two labels a row: skl2onnx answers the labels in columns and the probabilities as a sequence."""
    x, test, y = three
    other = (x[:, 0] > 0).astype(np.int64)
    model = MultiOutputClassifier(LogisticRegression(max_iter=300)).fit(x, np.stack([y, other], axis=1))
    outputs = [model.predict(test), model.predict_proba(test)]
    return Case("MultiOutputClassifier", model, test, outputs, {id(model): {"zipmap": False}})
