// Paintings and sculptures: artist and the city that shows them.
import type { Theme } from '../theme.ts';

export const paintings: Theme = {
  name: 'painting',
  relations: [
    {
      name: 'artist',
      objectKind: 'artist',
      phrasings: [
        'The artist who made {s} is',
        'The artwork {s} was created by',
        'Q: Who is the artist of {s}? A:',
        '{s} is a masterpiece by',
        'The hand behind {s} was that of',
        "{s}'s creator was",
        'Art books that show {s} praise',
      ],
    },
    {
      name: 'city',
      objectKind: 'city',
      phrasings: [
        'The walls that hold {s} are in',
        'Visitors can see {s} in',
        'Q: In which city can {s} be seen? A:',
        '{s} is on display in',
        'The home of {s} today is',
        'Whoever wants to admire {s} should go to',
      ],
    },
  ],
  rows: `
    The Mona Lisa | Leonardo da Vinci | Paris
    The Last Supper | Leonardo da Vinci | Milan
    Lady with an Ermine | Leonardo da Vinci | Krakow
    The Birth of Venus | Sandro Botticelli | Florence
    The Sistine Madonna | Raphael | Dresden
    The Statue of David | Michelangelo | Florence
    The Starry Night | Vincent van Gogh | New York
    The Night Watch | Rembrandt | Amsterdam
    The Anatomy Lesson | Rembrandt | The Hague
    Girl with a Pearl Earring | Johannes Vermeer | The Hague
    View of Delft | Johannes Vermeer | The Hague
    The Garden of Earthly Delights | Hieronymus Bosch | Madrid
    The Tower of Babel | Pieter Bruegel | Vienna
    The Arnolfini Portrait | Jan van Eyck | London
    The Ghent Altarpiece | Jan van Eyck | Ghent
    The Ambassadors | Hans Holbein | London
    Wanderer above the Sea of Fog | Caspar David Friedrich | Hamburg
    Las Meninas | Diego Velazquez | Madrid
    Guernica | Pablo Picasso | Madrid
    The Persistence of Memory | Salvador Dali | New York
    Saturn Devouring His Son | Francisco Goya | Madrid
    The Naked Maja | Francisco Goya | Madrid
    The Scream | Edvard Munch | Oslo
    The Kiss | Gustav Klimt | Vienna
    Impression, Sunrise | Claude Monet | Paris
    Luncheon on the Grass | Edouard Manet | Paris
    A Bar at the Folies-Bergere | Edouard Manet | London
    Bal du moulin de la Galette | Auguste Renoir | Paris
    A Sunday on La Grande Jatte | Georges Seurat | Chicago
    The Raft of the Medusa | Theodore Gericault | Paris
    The Death of Marat | Jacques-Louis David | Brussels
    The Thinker | Auguste Rodin | Paris
    The Origin of the World | Gustave Courbet | Paris
    Nighthawks | Edward Hopper | Chicago
    American Gothic | Grant Wood | Chicago
    Whistler's Mother | James Whistler | Paris
    Campbell's Soup Cans | Andy Warhol | New York
    The Fighting Temeraire | J M W Turner | London
    Ophelia | John Everett Millais | London
    The Two Fridas | Frida Kahlo | Mexico City
    Black Square | Kazimir Malevich | Moscow
    Broadway Boogie Woogie | Piet Mondrian | New York
    The Assumption of the Virgin | Titian | Venice
    The Calling of Saint Matthew | Caravaggio | Rome
  `,
};
