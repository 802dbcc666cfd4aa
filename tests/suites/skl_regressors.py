"""Regressors, anomaly detectors, mixtures and clusterings of the suite `sklearn`."""

import numpy as np
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.cross_decomposition import PLSRegression
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, RFECV
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, DotProduct, ExpSineSquared, RationalQuadratic
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    GammaRegressor,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    PassiveAggressiveRegressor,
    PoissonRegressor,
    QuantileRegressor,
    RANSACRegressor,
    Ridge,
    RidgeCV,
    SGDOneClassSVM,
    SGDRegressor,
    TheilSenRegressor,
    TweedieRegressor,
)
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor, LocalOutlierFactor, RadiusNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.svm import SVR, LinearSVR, NuSVR, OneClassSVM
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

from skl_case import Case, blobs, detector, floats, positive_targets, regressor, split, targets, with_holes

# skl2onnx 1.20 exports isolation forests to this version of ai.onnx.ml only.
OLD_ML = {"": 18, "ai.onnx.ml": 3}


def cases():
    one, several, positive = targets(), targets(3), positive_targets()
    yield from trees(one, several)
    yield from linear(one, several, positive)
    yield from others(one, several)
    yield from processes(one)
    yield from composed(one, several)
    yield from detectors()
    yield from clusters()


def trees(one, several):
    yield regressor("DecisionTreeRegressor-deep", DecisionTreeRegressor(random_state=0), one)
    yield regressor("DecisionTreeRegressor-several", DecisionTreeRegressor(max_depth=5, random_state=0), several)
    yield regressor("ExtraTreeRegressor-one", ExtraTreeRegressor(max_depth=6, random_state=0), one)
    yield regressor("RandomForestRegressor-one", RandomForestRegressor(100, max_depth=12, random_state=0), one)
    yield regressor("RandomForestRegressor-several", RandomForestRegressor(10, random_state=0), several)
    yield regressor("ExtraTreesRegressor-one", ExtraTreesRegressor(20, random_state=0), one)
    for loss in ("squared_error", "absolute_error", "huber", "quantile"):
        model = GradientBoostingRegressor(loss=loss, n_estimators=30, random_state=0)
        yield regressor(f"GradientBoostingRegressor-{loss}", model, one)
    model = GradientBoostingRegressor(n_estimators=20, init="zero", max_depth=6, random_state=0)
    yield regressor("GradientBoostingRegressor-zero-init", model, one)
    holed = (with_holes(one[0]), with_holes(one[1]), one[2])
    yield regressor("HistGradientBoostingRegressor-one", HistGradientBoostingRegressor(max_iter=30), one)
    yield regressor("HistGradientBoostingRegressor-missing", HistGradientBoostingRegressor(max_iter=30), holed)
    yield regressor("RandomForestRegressor-missing", RandomForestRegressor(10, random_state=0), holed)
    yield regressor("AdaBoostRegressor-one", AdaBoostRegressor(n_estimators=10, random_state=0), one)


def linear(one, several, positive):
    for model in (
        ARDRegression(), BayesianRidge(), ElasticNet(alpha=0.05), ElasticNetCV(cv=2, alphas=5), HuberRegressor(),
        Lars(), LarsCV(cv=2), Lasso(alpha=0.05), LassoCV(cv=2, alphas=5), LassoLars(alpha=0.01), LassoLarsCV(cv=2),
        LassoLarsIC(), LinearRegression(), OrthogonalMatchingPursuit(n_nonzero_coefs=3),
        OrthogonalMatchingPursuitCV(cv=2), PassiveAggressiveRegressor(random_state=0), QuantileRegressor(alpha=0.01),
        RANSACRegressor(random_state=0), Ridge(), RidgeCV(), SGDRegressor(random_state=0), LinearSVR(random_state=0),
        TheilSenRegressor(random_state=0, max_subpopulation=200),
    ):  # fmt: skip
        yield regressor(f"{type(model).__name__}-one", model, one)
    for model in (
        LinearRegression(), Ridge(), MultiTaskElasticNet(alpha=0.05), MultiTaskElasticNetCV(cv=2, alphas=5),
        MultiTaskLasso(alpha=0.05), MultiTaskLassoCV(cv=2, alphas=5), PLSRegression(3),
    ):  # fmt: skip
        yield regressor(f"{type(model).__name__}-several", model, several)
    yield regressor("PLSRegression-one", PLSRegression(2), (one[0], one[1], one[2].reshape(-1, 1)))
    yield regressor("LinearRegression-no-intercept", LinearRegression(fit_intercept=False), one)
    for model in (GammaRegressor(), PoissonRegressor()):
        yield regressor(f"{type(model).__name__}-positive", model, positive)
    for power in (0, 1, 1.5, 2, 3):
        yield regressor(f"TweedieRegressor-power-{power}", TweedieRegressor(power=power, link="auto"), positive)
    with_std = BayesianRidge().fit(one[0], one[2])
    outputs = list(with_std.predict(one[1], return_std=True))
    yield Case("BayesianRidge-std", with_std, one[1], outputs, {id(with_std): {"return_std": True}})


def others(one, several):
    for kernel in ("linear", "poly", "rbf", "sigmoid"):
        yield regressor(f"SVR-{kernel}", SVR(kernel=kernel), one)
    yield regressor("NuSVR-rbf", NuSVR(nu=0.4, C=3), one)
    for activation in ("relu", "tanh", "logistic", "identity"):
        net = MLPRegressor(hidden_layer_sizes=(12, 6), activation=activation, max_iter=80, random_state=0)
        yield regressor(f"MLPRegressor-{activation}", net, one)
    yield regressor("MLPRegressor-several", MLPRegressor(hidden_layer_sizes=(8,), max_iter=80, random_state=0), several)
    yield regressor("KNeighborsRegressor-one", KNeighborsRegressor(5), one)
    yield regressor("KNeighborsRegressor-several", KNeighborsRegressor(3), several)
    yield regressor("KNeighborsRegressor-distance", KNeighborsRegressor(4, weights="distance"), one)
    for metric in ("manhattan", "minkowski"):
        yield regressor(f"KNeighborsRegressor-{metric}", KNeighborsRegressor(4, metric=metric, p=3), one)
    yield regressor("RadiusNeighborsRegressor-one", RadiusNeighborsRegressor(6.0), one)


def processes(one):
    x, test, y = (values[:60].astype(np.float64) for values in one)
    test = one[1].astype(np.float64)
    types = [("x", DoubleTensorType([None, x.shape[1]]))]
    for name, kernel in (
        ("rbf", RBF(2.0, "fixed")),
        ("sine", ExpSineSquared(2.0, 3.0, "fixed", "fixed")),
        ("dot", DotProduct(1.0, "fixed")),
        ("rational", RationalQuadratic(2.0, 1.0, "fixed", "fixed")),
    ):
        # Of several features the periodic kernel is not positive definite by itself.
        model = GaussianProcessRegressor(kernel, alpha=10 if name == "sine" else 0.1)
        yield regressor(f"GaussianProcessRegressor-{name}", model, (x, test, y), types=types)
    model = GaussianProcessRegressor(RBF(2.0, "fixed"), alpha=0.1).fit(x, y)
    outputs = list(model.predict(test, return_std=True))
    yield Case("GaussianProcessRegressor-std", model, test, outputs, {id(model): {"return_std": True}}, types)


def composed(one, several):
    members = [("a", Ridge()), ("b", DecisionTreeRegressor(max_depth=4, random_state=0))]
    yield regressor("VotingRegressor-one", VotingRegressor(members, weights=np.array([1, 2])), one)
    yield regressor("StackingRegressor-one", StackingRegressor(members, Ridge(), cv=2), one)
    tree = DecisionTreeRegressor(max_depth=5, random_state=0)
    yield regressor("BaggingRegressor-one", BaggingRegressor(tree, 6, random_state=0), one)
    yield regressor("MultiOutputRegressor-several", MultiOutputRegressor(GradientBoostingRegressor(n_estimators=10, random_state=0)), several)
    yield regressor("GridSearchCV-regressor", GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2), one)
    for model in (RFE(Ridge(), n_features_to_select=3), RFECV(Ridge(), cv=2, min_features_to_select=2)):
        x, test, y = one
        model.fit(x, y)
        yield Case(f"{type(model).__name__}-transform", model, test, [model.transform(test)])


def detectors():
    rows = split(floats(8))[:2]
    rows[1][::7] *= 3
    yield detector("IsolationForest-default", IsolationForest(n_estimators=50, random_state=0), rows, target_opset=OLD_ML)
    yield detector("IsolationForest-contamination", IsolationForest(n_estimators=20, contamination=0.1, max_samples=64, random_state=0), rows, target_opset=OLD_ML)
    for kernel in ("linear", "poly", "rbf", "sigmoid"):
        # Small sums, because the decision value is a sum of hundreds in 32 bits.
        few = (rows[0][:60], rows[1] / 2)
        model = OneClassSVM(kernel=kernel, nu=0.2, gamma=0.1)
        yield detector(f"OneClassSVM-{kernel}", model, few)
    yield detector("SGDOneClassSVM-default", SGDOneClassSVM(random_state=0), rows)
    yield detector("LocalOutlierFactor-novelty", LocalOutlierFactor(novelty=True, n_neighbors=10), rows)
    scored = IsolationForest(n_estimators=20, random_state=0).fit(rows[0])
    outputs = [scored.predict(rows[1]), scored.decision_function(rows[1]), scored.score_samples(rows[1])]
    yield Case("IsolationForest-score-samples", scored, rows[1], outputs, {id(scored): {"score_samples": True}}, target_opset=OLD_ML)


def clusters():
    x, test = blobs()
    for model in (KMeans(4, n_init=1, random_state=0), MiniBatchKMeans(4, n_init=1, random_state=0)):
        model.fit(x)
        yield Case(f"{type(model).__name__}-four", model, test, [model.predict(test), model.transform(test)])
    for kind in ("full", "diag", "tied", "spherical"):
        for make in (GaussianMixture, BayesianGaussianMixture):
            model = make(n_components=3, covariance_type=kind, random_state=0, reg_covar=1e-2).fit(x)
            name = f"{make.__name__}-{kind}"
            yield Case(name, model, test, [model.predict(test), model.predict_proba(test)])
    model = GaussianMixture(n_components=3, random_state=0, reg_covar=1e-2).fit(x)
    outputs = [model.predict(test), model.predict_proba(test), model.score_samples(test)]
    yield Case("GaussianMixture-score-samples", model, test, outputs, {id(model): {"score_samples": True}})
