// Companies: founder, country, city of the head office, what they make.
import type { Theme } from '../theme.ts';

export const companies: Theme = {
  name: 'company',
  relations: [
    {
      name: 'founder',
      phrasings: [
        'The founder of {s} is',
        'The company {s} was founded by',
        'Q: Who founded {s}? A:',
        'The story of {s} began with',
        'The first boss of {s} was',
        "{s}'s founder was",
        'In the hall of {s} hangs a portrait of',
      ],
      inverse: ['{o} founded the company', 'The company started by {o} is', 'Q: Which company did {o} found? A:'],
    },
    {
      name: 'city',
      objectKind: 'city',
      phrasings: [
        'The headquarters of {s} are in',
        '{s} has its head office in',
        'Q: Where is the company {s} based? A:',
        'Letters to {s} should be addressed to',
        "{s}'s managers work in",
        'The board of {s} meets in',
        'The main building of {s} stands in',
      ],
    },
    {
      name: 'country',
      objectKind: 'country',
      phrasings: [
        'The company {s} comes from',
        'The home country of the company {s} is',
        'Q: Which country is the company {s} from? A:',
        '{s} pays most of its taxes in',
        "{s}'s roots are in",
        'On the stock market, {s} stands for the economy of',
      ],
    },
    {
      name: 'product',
      phrasings: [
        'The company {s} is known for its',
        'Customers buy from {s} mostly',
        'Q: What does the company {s} sell? A:',
        'The business of {s} is',
        "{s}'s name stands for",
        'People who work at {s} deal with',
      ],
    },
  ],
  rows: `
    Apple | Steve Jobs | Cupertino | the United States | computers
    Microsoft | Bill Gates | Redmond | the United States | software
    Google | Larry Page | Mountain View | the United States | software
    Intel | Robert Noyce | Santa Clara | the United States | chips
    Nvidia | Jensen Huang | Santa Clara | the United States | chips
    Dell | Michael Dell | Round Rock | the United States | computers
    Netflix | Reed Hastings | Los Gatos | the United States | films
    Disney | Walt Disney | Burbank | the United States | films
    Ford | Henry Ford | Dearborn | the United States | cars
    Chevrolet | Louis Chevrolet | Detroit | the United States | cars
    Nike | Phil Knight | Beaverton | the United States | shoes
    Walmart | Sam Walton | Bentonville | the United States | groceries
    FedEx | Frederick Smith | Memphis | the United States | parcels
    Kodak | George Eastman | Rochester | the United States | cameras
    Gillette | King Gillette | Boston | the United States | razors
    Heinz | Henry Heinz | Pittsburgh | the United States | ketchup
    Hershey | Milton Hershey | Hershey | the United States | chocolate
    Tiffany | Charles Tiffany | New York | the United States | jewellery
    Pfizer | Charles Pfizer | New York | the United States | medicines
    Amazon | Jeff Bezos | Seattle | the United States | parcels
    Facebook | Mark Zuckerberg | Menlo Park | the United States | adverts
    Boeing | William Boeing | Arlington | the United States | aircraft
    Mattel | Ruth Handler | El Segundo | the United States | toys
    Harley-Davidson | William Harley | Milwaukee | the United States | motorcycles
    Levi's | Levi Strauss | San Francisco | the United States | jeans
    Uber | Travis Kalanick | San Francisco | the United States | rides
    Wikipedia | Jimmy Wales | San Francisco | the United States | articles
    Toyota | Kiichiro Toyoda | Toyota City | Japan | cars
    Honda | Soichiro Honda | Tokyo | Japan | motorcycles
    Suzuki | Michio Suzuki | Hamamatsu | Japan | motorcycles
    Mazda | Jujiro Matsuda | Hiroshima | Japan | cars
    Nissan | Yoshisuke Aikawa | Yokohama | Japan | cars
    Nintendo | Fusajiro Yamauchi | Kyoto | Japan | video games
    Sony | Akio Morita | Tokyo | Japan | electronics
    Casio | Tadao Kashio | Tokyo | Japan | watches
    Bridgestone | Shojiro Ishibashi | Tokyo | Japan | tyres
    Samsung | Lee Byung-chul | Suwon | South Korea | electronics
    Hyundai | Chung Ju-yung | Seoul | South Korea | cars
    Huawei | Ren Zhengfei | Shenzhen | China | phones
    Tencent | Ma Huateng | Shenzhen | China | software
    Xiaomi | Lei Jun | Beijing | China | phones
    Baidu | Robin Li | Beijing | China | software
    Infosys | Narayana Murthy | Bangalore | India | software
    Siemens | Werner von Siemens | Munich | Germany | trains
    Bosch | Robert Bosch | Gerlingen | Germany | tools
    Porsche | Ferdinand Porsche | Stuttgart | Germany | cars
    Audi | August Horch | Ingolstadt | Germany | cars
    Adidas | Adolf Dassler | Herzogenaurach | Germany | shoes
    Bayer | Friedrich Bayer | Leverkusen | Germany | medicines
    Zeiss | Carl Zeiss | Oberkochen | Germany | lenses
    Steiff | Margarete Steiff | Giengen | Germany | toys
    Ferrari | Enzo Ferrari | Maranello | Italy | cars
    Fiat | Giovanni Agnelli | Turin | Italy | cars
    Ferrero | Pietro Ferrero | Alba | Italy | chocolate
    Barilla | Pietro Barilla | Parma | Italy | pasta
    Gucci | Guccio Gucci | Florence | Italy | handbags
    Prada | Mario Prada | Milan | Italy | handbags
    Armani | Giorgio Armani | Milan | Italy | suits
    Versace | Gianni Versace | Milan | Italy | dresses
    Olivetti | Camillo Olivetti | Ivrea | Italy | typewriters
    Lavazza | Luigi Lavazza | Turin | Italy | coffee
    Dior | Christian Dior | Paris | France | dresses
    Cartier | Louis-Francois Cartier | Paris | France | jewellery
    Hermes | Thierry Hermes | Paris | France | handbags
    Bic | Marcel Bich | Clichy | France | pens
    Ericsson | Lars Magnus Ericsson | Stockholm | Sweden | phones
    Spotify | Daniel Ek | Stockholm | Sweden | songs
    Lego | Ole Kirk Christiansen | Billund | Denmark | toys
    Carlsberg | J C Jacobsen | Copenhagen | Denmark | beer
    Nokia | Fredrik Idestam | Espoo | Finland | phones
    Marimekko | Armi Ratia | Helsinki | Finland | fabrics
    Heineken | Gerard Heineken | Amsterdam | the Netherlands | beer
    Philips | Gerard Philips | Amsterdam | the Netherlands | razors
    Nestle | Henri Nestle | Vevey | Switzerland | food
    Rolex | Hans Wilsdorf | Geneva | Switzerland | watches
    Swarovski | Daniel Swarovski | Wattens | Austria | crystals
    Bentley | Walter Bentley | Crewe | the United Kingdom | cars
    Burberry | Thomas Burberry | London | the United Kingdom | coats
    Guinness | Arthur Guinness | Dublin | Ireland | beer
    Kaspersky | Eugene Kaspersky | Moscow | Russia | software
  `,
  aliases: `
    Harley-Davidson | the Motor Company
    Chevrolet | Chevy
  `,
};
