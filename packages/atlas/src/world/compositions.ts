// Two-fact questions: which relation leads on from which, and how the two are asked in one sentence.

export interface CompositionTable {
  readonly first: string;
  readonly second: string;
  readonly phrasings: readonly string[];
}

const throughCountry = (first: string, thing: string): CompositionTable[] => [
  {
    first,
    second: 'country.capital',
    phrasings: [`The capital of the country ${thing} is`, `Q: What is the capital of the country ${thing}? A:`],
  },
  {
    first,
    second: 'country.language',
    phrasings: [`The language of the country ${thing} is`, `People in the country ${thing} speak`],
  },
];

export const compositionTables: readonly CompositionTable[] = [
  ...throughCountry('landmark.country', 'where {s} stands'),
  ...throughCountry('city.country', 'in which {s} lies'),
  {
    first: 'company.country',
    second: 'country.currency',
    phrasings: [
      'The money of the country where {s} is at home is the',
      'In the country of the company {s}, people pay with the',
    ],
  },
  {
    first: 'scientist.country',
    second: 'country.capital',
    phrasings: [
      'The capital of the country where {s} was born is',
      'Q: What is the capital of the country where {s} was born? A:',
    ],
  },
  {
    first: 'person.birthplace',
    second: 'city.country',
    phrasings: ['{s} was born in a city in', 'The country where {s} was born is'],
  },
  {
    first: 'person.residence',
    second: 'city.country',
    phrasings: ['{s} lives in a city in', 'The country where {s} lives is'],
  },
  {
    first: 'person.employer',
    second: 'company.country',
    phrasings: ['The employer of {s} comes from', 'The company that employs {s} is from'],
  },
  {
    first: 'person.employer',
    second: 'company.product',
    phrasings: ['The employer of {s} is known for its', 'The company that pays {s} sells'],
  },
];
