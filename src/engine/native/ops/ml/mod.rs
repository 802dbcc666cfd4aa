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

use crate::native::{
    facts::kinds::FEATURES,
    infer::rules::classical,
    table::{
        Entry,
        Infer::{Rule, Same, Shaped},
        ml,
    },
    value::Kind,
};

pub(super) const OPERATORS: &[Entry] = &[
    ml("ArrayFeatureExtractor", &[1], features::array_feature_extractor)
        .infers(Rule(classical::array_feature_extractor)),
    ml("Binarizer", &[1], scaling::binarizer).infers(Same(FEATURES)),
    ml("CastMap", &[1], maps::cast_map).infers(Rule(classical::cast_map)),
    ml("CategoryMapper", &[1], lookup::category_mapper).infers(Rule(classical::category_mapper)),
    ml("DictVectorizer", &[1], maps::dict_vectorizer).infers(Rule(classical::dict_vectorizer)),
    ml("FeatureVectorizer", &[1], features::feature_vectorizer).infers(Rule(classical::feature_vectorizer)),
    ml("Imputer", &[1], scaling::imputer).infers(Same(FEATURES)),
    ml("LabelEncoder", &[1, 2, 4], label_encoder::label_encoder).infers(Rule(classical::label_encoder)),
    ml("LinearClassifier", &[1], linear::linear_classifier).infers(Rule(classical::linear_classifier)),
    ml("LinearRegressor", &[1], linear::linear_regressor).infers(Rule(classical::linear_regressor)),
    ml("Normalizer", &[1], scaling::normalizer).infers(Shaped(FEATURES, Kind::F32)),
    ml("OneHotEncoder", &[1], lookup::one_hot_encoder).infers(Rule(classical::one_hot_encoder)),
    ml("SVMClassifier", &[1], svm::svm_classifier).infers(Rule(classical::svm_classifier)),
    ml("SVMRegressor", &[1], svm::svm_regressor).infers(Rule(classical::svm_regressor)),
    ml("Scaler", &[1], scaling::scaler).infers(Shaped(FEATURES, Kind::F32)),
    ml("TreeEnsemble", &[5], ensemble::tree_ensemble).infers(Rule(classical::tree_ensemble)),
    ml("TreeEnsembleClassifier", &[1, 3, 5], trees::tree_ensemble_classifier)
        .infers(Rule(classical::tree_classifier)),
    ml("TreeEnsembleRegressor", &[1, 3, 5], trees::tree_ensemble_regressor)
        .infers(Rule(classical::tree_regressor)),
    ml("ZipMap", &[1], maps::zip_map).infers(Rule(classical::zip_map)),
];
