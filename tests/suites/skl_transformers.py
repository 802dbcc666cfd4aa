"""Transformers of numbers, categories and text of the suite `sklearn`."""

import numpy as np
from skl2onnx.common.data_types import (
    DictionaryType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from skl2onnx.sklapi import CastRegressor, CastTransformer, ReplaceTransformer
from sklearn.decomposition import PCA, IncrementalPCA, KernelPCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier, RandomTreesEmbedding
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import (
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    VarianceThreshold,
)
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors, NeighborhoodComponentsAnalysis
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    KernelCenterer,
    LabelBinarizer,
    LabelEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.random_projection import GaussianRandomProjection
from sklearn.tree import DecisionTreeRegressor

from skl_case import (
    TRAIN_ROWS, Case, classes, counts, dense, floats, integers, split, targets, texts, transformer, with_holes,
)  # fmt: skip


def cases():
    rows = split(floats(21))[:2]
    yield from scalers(rows)
    yield from imputers(rows)
    yield from projections(rows)
    yield from selections()
    yield from neighbours(rows)
    yield from categories()
    yield from words()


def scalers(rows):
    for name, model in (
        ("StandardScaler-default", StandardScaler()),
        ("StandardScaler-no-mean", StandardScaler(with_mean=False)),
        ("StandardScaler-no-std", StandardScaler(with_std=False)),
        ("RobustScaler-default", RobustScaler()),
        ("RobustScaler-no-centering", RobustScaler(with_centering=False)),
        ("MinMaxScaler-default", MinMaxScaler()),
        ("MinMaxScaler-clip", MinMaxScaler((-1, 2), clip=True)),
        ("MaxAbsScaler-default", MaxAbsScaler()),
        ("Normalizer-l1", Normalizer("l1")),
        ("Normalizer-l2", Normalizer("l2")),
        ("Normalizer-max", Normalizer("max")),
        ("Binarizer-threshold", Binarizer(threshold=0.3)),
        ("PowerTransformer-yeo-johnson", PowerTransformer()),
        ("PowerTransformer-no-standardize", PowerTransformer(standardize=False)),
        ("QuantileTransformer-uniform", QuantileTransformer(n_quantiles=50)),
        ("PolynomialFeatures-2", PolynomialFeatures(2)),
        ("PolynomialFeatures-interactions", PolynomialFeatures(3, interaction_only=True, include_bias=False)),
        ("KBinsDiscretizer-ordinal", KBinsDiscretizer(5, encode="ordinal", strategy="uniform")),
        ("KBinsDiscretizer-onehot", KBinsDiscretizer(4, encode="onehot-dense", strategy="quantile")),
        ("KBinsDiscretizer-onehot-sparse", KBinsDiscretizer(4, encode="onehot", strategy="quantile")),
        ("KBinsDiscretizer-kmeans", KBinsDiscretizer(3, encode="ordinal", strategy="kmeans", random_state=0)),
        ("FunctionTransformer-identity", FunctionTransformer()),
        ("RandomTreesEmbedding-small", RandomTreesEmbedding(5, max_depth=3, sparse_output=False, random_state=0)),
        ("FeatureUnion-two", FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())])),
        ("FeatureUnion-weights", FeatureUnion([("a", StandardScaler()), ("b", PCA(2))], transformer_weights={"a": 0.5})),
    ):  # fmt: skip
        yield transformer(name, model, rows)
    positive = tuple(np.exp(part) for part in rows)
    # An exponent near 0 takes the difference of nearly equal numbers: 2e-5 in 32 bits.
    yield transformer("PowerTransformer-box-cox", PowerTransformer("box-cox"), positive, decimal=4)
    yield transformer("Normalizer-max-positive", Normalizer("max"), positive)
    yield transformer("StandardScaler-integers", StandardScaler(), split(integers()), types=[("x", Int64TensorType([None, 3]))])
    wide = tuple(part.astype(np.float64) for part in rows)
    double = [("x", DoubleTensorType([None, rows[0].shape[1]]))]
    yield transformer("StandardScaler-double", StandardScaler(), wide, types=double)
    for kind in (np.float64, np.int64):
        yield transformer(f"CastTransformer-{kind.__name__}", CastTransformer(dtype=kind), rows)
    x, test, y = targets()
    model = CastRegressor(DecisionTreeRegressor(max_depth=4, random_state=0), dtype=np.float64).fit(x, y)
    yield Case("CastRegressor-tree", model, test, [model.predict(test)])
    zeros = tuple(np.where(part < -1, 0, part).astype(np.float32) for part in rows)
    yield transformer("ReplaceTransformer-zero", ReplaceTransformer(from_value=0, to_value=np.nan, dtype=np.float32), zeros)


def imputers(rows):
    holed = tuple(with_holes(part) for part in rows)
    for strategy in ("mean", "median", "most_frequent", "constant"):
        model = SimpleImputer(strategy=strategy, fill_value=-2.0 if strategy == "constant" else None)
        yield transformer(f"SimpleImputer-{strategy}", model, holed)
    whole = integers(3, 5)
    model = SimpleImputer(missing_values=0, strategy="most_frequent")
    yield transformer("SimpleImputer-integers", model, split(whole), types=[("x", Int64TensorType([None, 3]))])
    text = texts()
    text[::5, 0] = ""
    model = SimpleImputer(missing_values="", strategy="most_frequent")
    yield transformer("SimpleImputer-text", model, split(text), types=[("x", StringTensorType([None, 2]))])
    small = (holed[0][:60], holed[1])
    for weights in ("uniform", "distance"):
        yield transformer(f"KNNImputer-{weights}", KNNImputer(n_neighbors=3, weights=weights), small)


def projections(rows):
    for name, model in (
        ("PCA-three", PCA(3)),
        ("PCA-whiten", PCA(3, whiten=True)),
        ("IncrementalPCA-three", IncrementalPCA(3)),
        ("IncrementalPCA-whiten", IncrementalPCA(2, whiten=True)),
        ("TruncatedSVD-three", TruncatedSVD(3, random_state=0)),
        ("GaussianRandomProjection-four", GaussianRandomProjection(4, random_state=0)),
    ):
        yield transformer(name, model, rows)
    small = (rows[0][:60], rows[1])
    for kernel in ("linear", "poly", "rbf", "sigmoid", "cosine"):
        model = KernelPCA(3, kernel=kernel, gamma=0.1 if kernel in ("poly", "rbf", "sigmoid") else None, random_state=0)
        yield transformer(f"KernelPCA-{kernel}", model, small)
    gram = tuple((part @ small[0].T).astype(np.float32) for part in small)
    yield transformer("KernelCenterer-linear", KernelCenterer(), gram)
    x, test, y = classes(3)
    yield transformer("NeighborhoodComponentsAnalysis-two", NeighborhoodComponentsAnalysis(2, random_state=0, max_iter=20), (x, test, y))


def selections():
    data = classes(3)
    for model in (
        GenericUnivariateSelect(mode="k_best", param=3), SelectFdr(alpha=0.05), SelectFpr(alpha=0.05),
        SelectFwe(alpha=0.05), SelectKBest(k=3), SelectPercentile(percentile=50), VarianceThreshold(0.5),
        SelectFromModel(RandomForestClassifier(5, random_state=0), threshold="median"),
    ):  # fmt: skip
        yield transformer(f"{type(model).__name__}-floats", model, data)


def neighbours(rows):
    x, test = rows
    model = NearestNeighbors(n_neighbors=4, radius=None).fit(x)
    distances, places = model.kneighbors(test)
    yield Case("NearestNeighbors-four", model, test, [places, distances])
    model = KNeighborsTransformer(n_neighbors=4, mode="distance").fit(x)
    yield Case("KNeighborsTransformer-distance", model, test, [dense(model.transform(test))])


def categories():
    text, whole = split(texts())[:2], split(integers(2, 4))[:2]
    of_text, of_int = [("x", StringTensorType([None, 2]))], [("x", Int64TensorType([None, 2]))]
    yield transformer("OneHotEncoder-text", OneHotEncoder(), text, types=of_text)
    yield transformer("OneHotEncoder-dense", OneHotEncoder(sparse_output=False, drop="first"), text, types=of_text)
    yield transformer("OneHotEncoder-integers", OneHotEncoder(), whole, types=of_int)
    yield transformer("OneHotEncoder-if-binary", OneHotEncoder(drop="if_binary"), whole, types=of_int)
    unknown = (text[0], np.concatenate([text[1][:100], texts(words=5, seed=9)[:100]]))
    yield transformer("OneHotEncoder-unknown", OneHotEncoder(handle_unknown="ignore"), unknown, types=of_text)
    rare = OneHotEncoder(min_frequency=80, handle_unknown="infrequent_if_exist")
    yield transformer("OneHotEncoder-infrequent", rare, unknown, types=of_text)
    yield transformer("OrdinalEncoder-text", OrdinalEncoder(), text, types=of_text)
    yield transformer("OrdinalEncoder-integers", OrdinalEncoder(dtype=np.int64), whole, types=of_int)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    yield transformer("OrdinalEncoder-unknown", encoder, unknown, types=of_text)
    floats_in = tuple(part.astype(np.float32) for part in whole)
    yield transformer("OrdinalEncoder-floats", OrdinalEncoder(), floats_in)
    y = (text[0][:, 0] == "pump") | (text[0][:, 1] == "fan")
    yield transformer("TargetEncoder-binary", TargetEncoder(random_state=0), (*text, y.astype(int)), types=of_text)
    y = integers(1, 9, 3)[:TRAIN_ROWS, 0] + 3.0 * (text[0][:, 0] == "pump")
    yield transformer("TargetEncoder-continuous", TargetEncoder(target_type="continuous", random_state=0), (*text, y), types=of_text)
    yield transformer("TargetEncoder-integers", TargetEncoder(target_type="continuous", random_state=0), (*whole, y), types=of_int)
    one_text, one_int = [("x", StringTensorType([None]))], [("x", Int64TensorType([None]))]
    yield transformer("LabelEncoder-text", LabelEncoder(), (text[0][:, 0], text[1][:, 0]), types=one_text)
    yield transformer("LabelEncoder-integers", LabelEncoder(), (whole[0][:, 0] * 3, whole[1][:, 0] * 3), types=one_int)
    yield transformer("LabelBinarizer-integers", LabelBinarizer(), (whole[0][:, 0], whole[1][:, 0]), types=one_int)
    yield transformer("LabelBinarizer-levels", LabelBinarizer(neg_label=-1, pos_label=3), (whole[0][:, 0], whole[1][:, 0]), types=one_int)
    dicts = [{"a": float(a), "b": float(b), f"kind={c}": 1.0} for (a, b), c in zip(whole[0], text[0][:, 0])]
    model = DictVectorizer().fit(dicts)
    one = dicts[0]
    yield Case("DictVectorizer-floats", model, {"x": one}, [dense(model.transform([one]))], {}, [("x", DictionaryType(StringTensorType([1]), FloatTensorType([1])))])


def words():
    rng = np.random.default_rng(12)
    vocabulary = np.array("the pump is hot cold loud and valve motor stops at night after rain alarm".split())
    lines = np.array([" ".join(rng.choice(vocabulary, rng.integers(2, 9))) for _ in range(500)], dtype=object)
    rows = split(lines)[:2]
    of_text = [("x", StringTensorType([None]))]
    for name, model in (
        ("CountVectorizer-words", CountVectorizer()),
        ("CountVectorizer-bigrams", CountVectorizer(ngram_range=(1, 2), binary=True)),
        ("CountVectorizer-chars", CountVectorizer(analyzer="char", ngram_range=(1, 2))),
        ("TfidfVectorizer-words", TfidfVectorizer()),
        ("TfidfVectorizer-bigrams", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, norm="l1")),
        ("TfidfVectorizer-no-norm", TfidfVectorizer(norm=None, stop_words=["the", "and"])),
    ):
        # The default is en_US, which ONNX Runtime takes from the machine.
        yield transformer(name, model, rows, types=of_text, options={id(model): {"locale": "C"}})
    model = CountVectorizer()
    yield transformer("CountVectorizer-en-us", model, rows, types=of_text)
    x, test, _ = counts()
    yield transformer("TfidfTransformer-counts", TfidfTransformer(), (x, test))
    yield transformer("TfidfTransformer-l1", TfidfTransformer(norm="l1", smooth_idf=False), (x, test))
    yield transformer("TfidfTransformer-sublinear", TfidfTransformer(sublinear_tf=True, use_idf=False, norm="l1"), (x, test))
    tokens = split(texts(1))[:2]
    model = FeatureHasher(n_features=8, input_type="string")
    yield transformer("FeatureHasher-text", model, tokens, types=[("x", StringTensorType([None, 1]))])
    plain = FeatureHasher(n_features=8, input_type="string", alternate_sign=False)
    yield transformer("FeatureHasher-unsigned", plain, tokens, types=[("x", StringTensorType([None, 1]))])
