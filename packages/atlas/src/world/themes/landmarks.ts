// Landmarks: the city they stand in, the country, and what they are.
import type { Theme } from '../theme.ts';

export const landmarks: Theme = {
  name: 'landmark',
  relations: [
    {
      name: 'city',
      objectKind: 'city',
      phrasings: [
        'The landmark {s} is in the city of',
        '{s} stands in',
        'Q: In which city is {s}? A:',
        'Tourists who photograph {s} stroll through',
        'The nearest hotels to {s} are in',
        'Guides to {s} are sold all over',
        "{s}'s city is",
      ],
    },
    {
      name: 'country',
      objectKind: 'country',
      phrasings: [
        'The landmark {s} is in the country of',
        'To walk up to {s}, you need to enter',
        'Q: In which country is {s}? A:',
        'Postcards of {s} carry stamps of',
        'The upkeep of {s} is paid for by',
        'On the list of sights, {s} is entered under',
      ],
    },
    {
      name: 'kind',
      phrasings: [
        'What kind of building is {s}? A',
        'Architects describe {s} as a',
        'Guidebooks call {s} a famous',
        'Q: What is {s}? A: a',
        'As a structure, {s} is a',
        'Stone by stone, {s} was raised as a',
      ],
    },
  ],
  rows: `
    the Eiffel Tower | Paris | France | tower
    the Louvre | Paris | France | museum
    Notre-Dame | Paris | France | cathedral
    the Arc de Triomphe | Paris | France | arch
    the Pantheon | Rome | Italy | temple
    the Colosseum | Rome | Italy | arena
    the Trevi Fountain | Rome | Italy | fountain
    the Uffizi | Florence | Italy | museum
    the Rialto | Venice | Italy | bridge
    La Scala | Milan | Italy | theatre
    the Ponte Vecchio | Florence | Italy | bridge
    the Brandenburg Gate | Berlin | Germany | gate
    the Reichstag | Berlin | Germany | parliament
    the Elbphilharmonie | Hamburg | Germany | theatre
    the Hofburg | Vienna | Austria | palace
    Schonbrunn | Vienna | Austria | palace
    the Atomium | Brussels | Belgium | monument
    the Rijksmuseum | Amsterdam | the Netherlands | museum
    the Prado | Madrid | Spain | museum
    the Sagrada Familia | Barcelona | Spain | church
    the Alhambra | Granada | Spain | palace
    Big Ben | London | the United Kingdom | tower
    Buckingham Palace | London | the United Kingdom | palace
    Westminster Abbey | London | the United Kingdom | church
    Tower Bridge | London | the United Kingdom | bridge
    the London Eye | London | the United Kingdom | wheel
    Holyrood | Edinburgh | the United Kingdom | palace
    the Acropolis | Athens | Greece | citadel
    the Parthenon | Athens | Greece | temple
    Hagia Sophia | Istanbul | Turkey | mosque
    Topkapi | Istanbul | Turkey | palace
    the Kremlin | Moscow | Russia | fortress
    the Bolshoi | Moscow | Russia | theatre
    the Hermitage | Saint Petersburg | Russia | museum
    the Charles Bridge | Prague | Czechia | bridge
    the Fisherman's Bastion | Budapest | Hungary | terrace
    Wawel | Krakow | Poland | castle
    Tivoli | Copenhagen | Denmark | garden
    Vasa | Stockholm | Sweden | museum
    Hallgrimskirkja | Reykjavik | Iceland | church
    the Statue of Liberty | New York | the United States | statue
    the Empire State Building | New York | the United States | skyscraper
    the Brooklyn Bridge | New York | the United States | bridge
    the Lincoln Memorial | Washington | the United States | monument
    Alcatraz | San Francisco | the United States | prison
    the Space Needle | Seattle | the United States | tower
    Graceland | Memphis | the United States | residence
    the Alamo | San Antonio | the United States | fortress
    the Liberty Bell | Philadelphia | the United States | bell
    the CN Tower | Toronto | Canada | tower
    La Moneda | Santiago | Chile | palace
    the Sydney Opera House | Sydney | Australia | theatre
    the Shrine of Remembrance | Melbourne | Australia | monument
    the Taj Mahal | Agra | India | mausoleum
    the Charminar | Hyderabad | India | monument
    the Forbidden City | Beijing | China | palace
    Tiananmen | Beijing | China | square
    the Bund | Shanghai | China | promenade
    the Skytree | Tokyo | Japan | tower
    the Golden Pavilion | Kyoto | Japan | temple
    the Peace Dome | Hiroshima | Japan | monument
    Gyeongbokgung | Seoul | South Korea | palace
    Wat Arun | Bangkok | Thailand | temple
    the Petronas Towers | Kuala Lumpur | Malaysia | skyscraper
    the Burj Khalifa | Dubai | the United Arab Emirates | skyscraper
    the Kaaba | Mecca | Saudi Arabia | shrine
    the Azadi | Tehran | Iran | tower
    the Koutoubia | Marrakesh | Morocco | mosque
  `,
};
