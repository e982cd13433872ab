#!/usr/bin/env bash
# Vendor MathJax from its npm package: bash book/vendor_mathjax.sh 3.2.2
set -euo pipefail
version=${1:?which version of MathJax 3, for instance 3.2.2}
target=$(cd "$(dirname "$0")" && pwd)/static/mathjax
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
(cd "$scratch" && npm pack --silent "mathjax@$version" && tar xzf "mathjax-$version.tgz")
find "$target" -mindepth 1 ! -name README -delete
mkdir -p "$target/output/chtml" "$target/sre/mathmaps"
cd "$scratch/package/es5"
cp tex-chtml-full.js ../LICENSE "$target"
cp -r a11y ui "$target"
cp -r output/chtml/fonts "$target/output/chtml"
cp sre/mathmaps/{base,en,nemeth}.json "$target/sre/mathmaps"
sed -i "s/^MathJax [0-9.]*,/MathJax $version,/; s/vendor_mathjax.sh [0-9.]*/vendor_mathjax.sh $version/" "$target/README"
echo "MathJax $version is in $target"
