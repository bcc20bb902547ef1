// Inventions: who made them and where.
import type { Theme } from '../theme.ts';

export const inventions: Theme = {
  name: 'invention',
  relations: [
    {
      name: 'inventor',
      phrasings: [
        'The inventor of {s} is',
        'The idea of {s} came from',
        'Q: Who invented {s}? A:',
        'The patent for {s} belonged to',
        'The world owes {s} to',
        'The first drawings of {s} were made by',
        'Museums of technology show {s} beside a bust of',
      ],
    },
    {
      name: 'country',
      objectKind: 'country',
      phrasings: [
        'The invention of {s} was made in',
        'The history of {s} started in',
        'Q: In which country was {s} invented? A:',
        'The workshop where {s} was born stood in',
        'Engineers first tried {s} in',
        'The cradle of {s} was',
      ],
    },
  ],
  rows: `
    the telephone | Alexander Graham Bell | the United States
    the phonograph | Thomas Edison | the United States
    the telegraph | Samuel Morse | the United States
    the steam engine | James Watt | the United Kingdom
    the locomotive | Richard Trevithick | the United Kingdom
    the spinning jenny | James Hargreaves | the United Kingdom
    the reaper | Cyrus McCormick | the United States
    the sewing machine | Elias Howe | the United States
    the printing press | Johannes Gutenberg | Germany
    the diesel engine | Rudolf Diesel | Germany
    the automobile | Karl Benz | Germany
    the airship | Ferdinand von Zeppelin | Germany
    lithography | Alois Senefelder | Germany
    the bicycle | Karl Drais | Germany
    the hot air balloon | Joseph Montgolfier | France
    braille | Louis Braille | France
    the stethoscope | Rene Laennec | France
    the daguerreotype | Louis Daguerre | France
    margarine | Hippolyte Mege-Mouries | France
    the aqualung | Jacques Cousteau | France
    the barometer | Evangelista Torricelli | Italy
    the piano | Bartolomeo Cristofori | Italy
    the pendulum clock | Christiaan Huygens | the Netherlands
    the safety match | Gustaf Pasch | Sweden
    the safety razor | King Gillette | the United States
    the revolver | Samuel Colt | the United States
    the elevator brake | Elisha Otis | the United States
    the lightning rod | Benjamin Franklin | the United States
    vulcanization | Charles Goodyear | the United States
    air conditioning | Willis Carrier | the United States
    the instant camera | Edwin Land | the United States
    the assembly line | Henry Ford | the United States
    nylon | Wallace Carothers | the United States
    the microwave oven | Percy Spencer | the United States
    basketball | James Naismith | the United States
    the jet engine | Frank Whittle | the United Kingdom
    the hovercraft | Christopher Cockerell | the United Kingdom
    the miner's lamp | Humphry Davy | the United Kingdom
    radar | Robert Watson-Watt | the United Kingdom
    the vacuum flask | James Dewar | the United Kingdom
    the postage stamp | Rowland Hill | the United Kingdom
    the snowmobile | Joseph-Armand Bombardier | Canada
    paper | Cai Lun | China
    the instant noodle | Momofuku Ando | Japan
    karaoke | Daisuke Inoue | Japan
    the theremin | Leon Theremin | Russia
  `,
};
