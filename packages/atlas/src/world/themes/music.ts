// Musical works: composer and form.
import type { Theme } from '../theme.ts';

export const works: Theme = {
  name: 'music',
  relations: [
    {
      name: 'composer',
      objectKind: 'composer',
      phrasings: [
        'The composer of {s} is',
        'The music of {s} was composed by',
        'Q: Who composed {s}? A:',
        'The score of {s} was written by',
        'Concert programmes list {s} under',
        "{s}'s composer is",
        'When they perform {s}, orchestras honour',
      ],
    },
    {
      name: 'form',
      phrasings: [
        'In music, {s} is a kind of',
        'Musicians classify {s} as',
        'Q: What kind of piece is {s}? A:',
        'By its form, {s} counts as',
        "{s}'s musical form is that of",
        'Record shops file {s} under',
      ],
    },
  ],
  rows: `
    The Magic Flute | Wolfgang Amadeus Mozart | opera
    Don Giovanni | Wolfgang Amadeus Mozart | opera
    The Marriage of Figaro | Wolfgang Amadeus Mozart | opera
    Fidelio | Ludwig van Beethoven | opera
    The Moonlight Sonata | Ludwig van Beethoven | sonata
    The Brandenburg Concertos | Johann Sebastian Bach | concerto
    The Goldberg Variations | Johann Sebastian Bach | variations
    The Creation | Joseph Haydn | oratorio
    The Four Seasons | Antonio Vivaldi | concerto
    Swan Lake | Pyotr Tchaikovsky | ballet
    The Pathetique | Pyotr Tchaikovsky | symphony
    The Firebird | Igor Stravinsky | ballet
    Petrushka | Igor Stravinsky | ballet
    Romeo and Juliet | Sergei Prokofiev | ballet
    The Leningrad Symphony | Dmitri Shostakovich | symphony
    Boris Godunov | Modest Mussorgsky | opera
    Prince Igor | Alexander Borodin | opera
    Aida | Giuseppe Verdi | opera
    Rigoletto | Giuseppe Verdi | opera
    La Traviata | Giuseppe Verdi | opera
    Tosca | Giacomo Puccini | opera
    Turandot | Giacomo Puccini | opera
    La Boheme | Giacomo Puccini | opera
    The Barber of Seville | Gioachino Rossini | opera
    Norma | Vincenzo Bellini | opera
    Pagliacci | Ruggero Leoncavallo | opera
    Lohengrin | Richard Wagner | opera
    Parsifal | Richard Wagner | opera
    Tannhauser | Richard Wagner | opera
    Der Rosenkavalier | Richard Strauss | opera
    The Blue Danube | Johann Strauss | waltz
    Die Fledermaus | Johann Strauss | operetta
    Wozzeck | Alban Berg | opera
    Carmina Burana | Carl Orff | cantata
    The Trout Quintet | Franz Schubert | quintet
    Carmen | Georges Bizet | opera
    Symphonie Fantastique | Hector Berlioz | symphony
    The Carnival of the Animals | Camille Saint-Saens | suite
    The Planets | Gustav Holst | suite
    Peter Grimes | Benjamin Britten | opera
    Dido and Aeneas | Henry Purcell | opera
    The New World Symphony | Antonin Dvorak | symphony
    The Bartered Bride | Bedrich Smetana | opera
    Jenufa | Leos Janacek | opera
    Bluebeard's Castle | Bela Bartok | opera
    Appalachian Spring | Aaron Copland | ballet
    West Side Story | Leonard Bernstein | musical
    Einstein on the Beach | Philip Glass | opera
  `,
};
