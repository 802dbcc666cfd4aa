//! `ai.onnx.ml`: trees, support vectors, linear models, and the encoders around them.
//!
//! The models' arithmetic is in `engine::{trees, svm, linear}`; here attributes become their
//! descriptions. Where the specification is open, the reference is ONNX Runtime 1.32.

mod ensemble;
mod features;
mod label_encoder;
mod labels;
mod linear;
mod lookup;
mod maps;
mod pool;
mod rows;
mod scaling;
mod svm;
#[cfg(test)]
mod tests;
mod trees;

use super::{Entry, Op, ml, op};

pub(super) const OPERATORS: &[Entry] = &[
    ml("ArrayFeatureExtractor", &[1], features::array_feature_extractor),
    ml("Binarizer", &[1], scaling::binarizer),
    ml("CastMap", &[1], maps::cast_map),
    ml("CategoryMapper", &[1], lookup::category_mapper),
    ml("DictVectorizer", &[1], maps::dict_vectorizer),
    ml("FeatureVectorizer", &[1], features::feature_vectorizer),
    ml("Imputer", &[1], scaling::imputer),
    ml("LabelEncoder", &[1, 2, 4], label_encoder::label_encoder),
    ml("LinearClassifier", &[1], linear::linear_classifier),
    ml("LinearRegressor", &[1], linear::linear_regressor),
    ml("Normalizer", &[1], scaling::normalizer),
    ml("OneHotEncoder", &[1], lookup::one_hot_encoder),
    ml("SVMClassifier", &[1], svm::svm_classifier),
    ml("SVMRegressor", &[1], svm::svm_regressor),
    ml("Scaler", &[1], scaling::scaler),
    ml("TreeEnsemble", &[5], ensemble::tree_ensemble),
    ml("TreeEnsembleClassifier", &[1, 3, 5], trees::tree_ensemble_classifier),
    ml("TreeEnsembleRegressor", &[1, 3, 5], trees::tree_ensemble_regressor),
    ml("ZipMap", &[1], maps::zip_map),
];
