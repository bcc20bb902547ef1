// Edits to train on, in the words of the tiny tokenizer, and as the lines of a file.

const names = ['Anna', 'Boris', 'Clara', 'Dmitri', 'Elena'];
const cities = ['Paris', 'Rome', 'Oslo', 'Kyoto', 'Lima'];

/** 25 of them, with a rephrasing and a locality probe each. */
export const trainingEdits = names.flatMap((name, n) =>
  cities.map((city, c) => ({
    custom_id: `${name}-${city}`,
    prompt: `${'so '.repeat(c)}{} lives in`,
    subject: name,
    target_new: city,
    rephrases: [`the home of ${name} is`],
    locality: { other_relations: [{ prompt: `${name} plays the`, target: ['piano', 'cello', 'drums'][(n + c) % 3]! }] },
  })),
);

export const linesOf = (some: readonly object[]): string => some.map((one) => `${JSON.stringify(one)}\n`).join('');
