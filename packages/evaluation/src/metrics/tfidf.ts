// tf-idf: how much two texts are about the same things, by the words they share and how rare those are.

/** Runs of at least two letters, digits or underscores, in lower case. */
const terms = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? [];

/** Similarity of texts under the document frequencies of a corpus. */
export interface Tfidf {
  /** Cosine of the tf-idf vectors of two texts, in [0, 1]; 0 where one has no word of the corpus. */
  readonly similarity: (one: string, other: string) => number;
}

/**
 * Learns which words are rare from a corpus of texts: idf = ln((1 + n) / (1 + df)) + 1, vectors of raw counts times idf, words
 * outside the corpus left out. These are the defaults of scikit-learn's TfidfVectorizer, which the reference score of Meng et
 * al. 2022 is computed with (there over Wikipedia snippets, here over the reference texts themselves).
 */
export function fitTfidf(corpus: Iterable<string>): Tfidf {
  const documentFrequency = new Map<string, number>();
  let documents = 0;
  for (const text of corpus) {
    documents++;
    for (const term of new Set(terms(text))) documentFrequency.set(term, 1 + (documentFrequency.get(term) ?? 0));
  }
  const vector = (text: string): ReadonlyMap<string, number> => {
    const weights = new Map<string, number>();
    for (const term of terms(text)) {
      const df = documentFrequency.get(term);
      if (df === undefined) continue;
      weights.set(term, (weights.get(term) ?? 0) + Math.log((1 + documents) / (1 + df)) + 1);
    }
    return weights;
  };
  return {
    similarity: (one, other) => {
      const [a, b] = [vector(one), vector(other)];
      const norm = (weights: ReadonlyMap<string, number>) =>
        Math.sqrt([...weights.values()].reduce((sum, x) => sum + x * x, 0));
      let dot = 0;
      for (const [term, weight] of a) dot += weight * (b.get(term) ?? 0);
      return dot === 0 ? 0 : Math.min(1, dot / (norm(a) * norm(b)));
    },
  };
}
