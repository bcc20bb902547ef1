// States of the United States: their capital.
import type { Theme } from '../theme.ts';

export const states: Theme = {
  name: 'state',
  relations: [
    {
      name: 'capital',
      phrasings: [
        'The state capital of {s} is',
        'In the state of {s}, the governor works in',
        'Q: What is the state capital of {s}? A:',
        'Lawmakers of {s} meet in',
        "{s}'s statehouse stands in",
        'The legislature of {s} is housed in',
        'The governor who leads {s} lives in',
      ],
      inverse: [
        '{o} is the state capital of',
        'The state whose capital is {o} is',
        'Q: {o} is the capital of which state? A:',
      ],
    },
  ],
  rows: `
    Alabama | Montgomery
    Alaska | Juneau
    Arizona | Phoenix
    Arkansas | Little Rock
    California | Sacramento
    Connecticut | Hartford
    Delaware | Dover
    Florida | Tallahassee
    Hawaii | Honolulu
    Idaho | Boise
    Illinois | Springfield
    Indiana | Indianapolis
    Iowa | Des Moines
    Kansas | Topeka
    Louisiana | Baton Rouge
    Maine | Augusta
    Maryland | Annapolis
    Michigan | Lansing
    Minnesota | Saint Paul
    Mississippi | Jackson
    Missouri | Jefferson City
    Montana | Helena
    Nebraska | Lincoln
    Nevada | Carson City
    New Hampshire | Concord
    New Jersey | Trenton
    New Mexico | Santa Fe
    North Carolina | Raleigh
    North Dakota | Bismarck
    Ohio | Columbus
    Oklahoma | Oklahoma City
    Oregon | Salem
    Pennsylvania | Harrisburg
    Rhode Island | Providence
    South Carolina | Columbia
    South Dakota | Pierre
    Tennessee | Nashville
    Texas | Austin
    Utah | Salt Lake City
    Vermont | Montpelier
    Virginia | Richmond
    Wisconsin | Madison
    Wyoming | Cheyenne
  `,
};
