// Scientists: field, homeland, and what they are remembered for.
import type { Theme } from '../theme.ts';

export const scientists: Theme = {
  name: 'scientist',
  relations: [
    {
      name: 'field',
      phrasings: [
        'The field of {s} was',
        'The scientist {s} worked in',
        'Q: What was the field of {s}? A:',
        'The research of {s} changed',
        '{s} devoted a lifetime to',
        'Students of {s} read textbooks on',
        "{s}'s great subject was",
      ],
    },
    {
      name: 'country',
      objectKind: 'country',
      phrasings: [
        'The scientist {s} was born in',
        'The native country of the researcher {s} was',
        'Q: In which country was the scientist {s} born? A:',
        '{s} first went to school in',
        "{s}'s family lived in",
        'A street is named after {s} in many towns of',
      ],
    },
    {
      name: 'known',
      phrasings: [
        '{s} is remembered for',
        'The great achievement of {s} was',
        'Q: What is {s} remembered for? A:',
        'The name of {s} is tied to',
        'Every schoolbook links {s} with',
        "{s}'s fame rests on",
      ],
    },
  ],
  rows: `
    Albert Einstein | physics | Germany | relativity
    Isaac Newton | physics | the United Kingdom | gravitation
    Max Planck | physics | Germany | the quantum
    Niels Bohr | physics | Denmark | the atomic model
    Werner Heisenberg | physics | Germany | the uncertainty principle
    Erwin Schrodinger | physics | Austria | wave mechanics
    Paul Dirac | physics | the United Kingdom | antimatter
    Enrico Fermi | physics | Italy | the nuclear reactor
    Ernest Rutherford | physics | New Zealand | the atomic nucleus
    James Clerk Maxwell | physics | the United Kingdom | electromagnetism
    Michael Faraday | physics | the United Kingdom | induction
    Alessandro Volta | physics | Italy | the battery
    Luigi Galvani | biology | Italy | animal electricity
    Georg Ohm | physics | Germany | electrical resistance
    Heinrich Hertz | physics | Germany | radio waves
    Wilhelm Rontgen | physics | Germany | X-rays
    Ludwig Boltzmann | physics | Austria | statistical mechanics
    Christian Doppler | physics | Austria | the Doppler effect
    Lise Meitner | physics | Austria | nuclear fission
    Otto Hahn | chemistry | Germany | nuclear fission
    Stephen Hawking | physics | the United Kingdom | black holes
    Peter Higgs | physics | the United Kingdom | the boson
    Edwin Hubble | astronomy | the United States | the expanding universe
    Nicolaus Copernicus | astronomy | Poland | the heliocentric system
    Johannes Kepler | astronomy | Germany | planetary motion
    Edmond Halley | astronomy | the United Kingdom | the comet
    William Herschel | astronomy | Germany | Uranus
    Charles Messier | astronomy | France | nebulae
    Anders Celsius | astronomy | Sweden | the temperature scale
    Georges Lemaitre | astronomy | Belgium | the Big Bang
    Charles Darwin | biology | the United Kingdom | evolution
    Carl Linnaeus | biology | Sweden | classification
    Louis Pasteur | biology | France | pasteurization
    Alexander Fleming | medicine | the United Kingdom | penicillin
    Robert Koch | medicine | Germany | tuberculosis
    Edward Jenner | medicine | the United Kingdom | vaccination
    Joseph Lister | medicine | the United Kingdom | antiseptics
    William Harvey | medicine | the United Kingdom | blood circulation
    Jonas Salk | medicine | the United States | the polio vaccine
    Frederick Banting | medicine | Canada | insulin
    Ignaz Semmelweis | medicine | Hungary | hand washing
    Hippocrates | medicine | Greece | the physicians' oath
    Carl Jung | psychology | Switzerland | archetypes
    Jean Piaget | psychology | Switzerland | child development
    Ivan Pavlov | psychology | Russia | conditioning
    Francis Crick | biology | the United Kingdom | the double helix
    Barbara McClintock | biology | the United States | jumping genes
    Jane Goodall | biology | the United Kingdom | chimpanzees
    Konrad Lorenz | biology | Austria | imprinting
    Dmitri Mendeleev | chemistry | Russia | the periodic table
    Antoine Lavoisier | chemistry | France | combustion
    John Dalton | chemistry | the United Kingdom | atomic theory
    Alfred Nobel | chemistry | Sweden | dynamite
    Fritz Haber | chemistry | Germany | ammonia
    Linus Pauling | chemistry | the United States | chemical bonds
    Justus von Liebig | chemistry | Germany | fertilizers
    Bernhard Riemann | mathematics | Germany | the zeta hypothesis
    Emmy Noether | mathematics | Germany | symmetry
    Pierre de Fermat | mathematics | France | the last theorem
    Evariste Galois | mathematics | France | group theory
    Pythagoras | mathematics | Greece | right triangles
    Alan Turing | computing | the United Kingdom | the universal machine
    Ada Lovelace | computing | the United Kingdom | the first program
    Charles Babbage | computing | the United Kingdom | the analytical engine
    Grace Hopper | computing | the United States | the compiler
    Claude Shannon | computing | the United States | information theory
    Edsger Dijkstra | computing | the Netherlands | shortest paths
    Alfred Wegener | geology | Germany | continental drift
    Charles Richter | geology | the United States | earthquakes
    Milton Friedman | economics | the United States | monetarism
    Noam Chomsky | linguistics | the United States | universal grammar
    Jean-Francois Champollion | linguistics | France | hieroglyphs
    Claude Levi-Strauss | anthropology | Belgium | structuralism
    Heinrich Schliemann | archaeology | Germany | Troy
    Howard Carter | archaeology | the United Kingdom | the tomb of Tutankhamun
  `,
};
