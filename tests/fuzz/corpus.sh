#!/bin/sh
# What the fuzz targets begin with: the models of the reference cases, their values as messages of each sort, and
# the outbox's golden files.
# tests/setup makes the cases; SUITES names another folder of them.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
suites=${SUITES:-$root/target/test-suites}
corpus=$root/target/fuzz-corpus
mkdir -p "$corpus/parser" "$corpus/checker" "$corpus/executor" "$corpus/segments" "$corpus/backlog" "$corpus/sizes"
for model in "$suites"/*/*/model.onnx; do
    case=$(basename "$(dirname "$model")")
    # Large ones teach the fuzzer nothing that small ones don't, and slow it down.
    [ "$(wc -c < "$model")" -le 20000 ] || continue
    cp "$model" "$corpus/checker/$case.onnx"
    cp "$model" "$corpus/executor/$case.onnx"
done
# The first byte says which message follows (src/engine/native/fuzz.rs).
for values in "$suites"/node/*/set_0/*.pb; do
    [ "$(wc -c < "$values")" -le 4000 ] || continue
    folder=$(basename "$(dirname "$(dirname "$values")")")
    for sort in 0 1 2 3 4; do
        [ "$sort" -eq 0 ] || case "$folder" in *sequence*|*optional*|*map*|*vectorizer*) ;; *) continue ;; esac
        { printf "\\00$sort"; cat "$values"; } > "$corpus/parser/$folder-$(basename "$values" .pb)-$sort"
    done
done
# The first byte says whether checksums are made right (src/outbox/fuzz.rs).
for format in "$root"/tests/golden/stored/format-*; do
    for sort in 0 1; do
        { printf "\\00$sort"; cat "$format"/outbox/segment-* "$format"/outbox/merged-* 2>/dev/null; } \
            > "$corpus/segments/$(basename "$format")-$sort"
        { printf "\\00$sort"; cat "$format/backlog.edgeward"; } > "$corpus/backlog/$(basename "$format")-$sort"
    done
done
# A signature, a declaration and messages (src/core/scoring/fuzz.rs).
printf '\000\001\002\004\005\001\006[inputs.x]\narray = "a"\n[inputs.h]\nsize_of = "x"\n\000{"a":[[1,2],[3,4]]}\000{"a":[1]}' > "$corpus/sizes/array"
printf '\000\001\001\004\001\003[state.s]\ninput = "h"\noutput = "h_out"\n[sizes]\nn = { max = 4 }\n\000[1,2]\000[1,2,3]' > "$corpus/sizes/state"
echo "$(find "$corpus" -type f | wc -l) files in $corpus"
