/*
 * password_rules.c: which passwords are accepted. Hashing is password.c's.
 */
#include "password_rules.h"

#include "error.h"
#include "password.h"

#include "mb/pg_wchar.h"

/*
 * The passwords of TT_PASSWORD_MIN_CHARS or more that head the published lists
 * of leaked ones, in lower case and sorted: an attacker tries these first.
 */
static const char *const common_passwords[] = {
	"!qaz1qaz", "!qaz2wsx", "00000000", "000000000", "0000000000", "01010101", "01020304", "01234567",
	"0123456789", "0147258369", "02020202", "09090909", "09876543", "0987654321", "0987654321a", "10101010",
	"10203040", "102030405060", "1029384756", "11111111", "111111111", "1111111111", "11111111a", "11111112",
	"1111111a", "11112222", "1111qqqq", "111222333", "11221122", "11223344", "1122334455", "112233445566",
	"11235813", "12121212", "1212121212", "12131415", "12301230", "12312312", "123123123", "123123123123",
	"1231231234", "12312312a", "123123qwe", "12341234", "12344321", "12344321q", "123454321", "123454321a",
	"1234554321", "1234554321a", "12345600", "12345612", "123456123", "123456654321", "1234567654321", "12345678",
	"123456789", "1234567890", "12345678901", "1234567890q", "12345678910", "123456789123", "1234567899",
	"123456789a", "123456789q", "123456789z", "12345678a", "12345678q", "12345679", "1234567a", "1234567q",
	"12345687", "123456aa", "123456ab", "123456abc", "123456as", "123456qw", "123456qwerty", "123456zx",
	"12345abc", "12345abcd", "12345qwert", "1234abcd", "1234asdf", "1234qwer", "1234qwerasdf", "123654789",
	"12369874", "123698745", "123abc123", "123qwe123", "123qweasd", "123qweasdzxc", "123qwert", "123qwerty",
	"12qwaszx", "13131313", "13243546", "1357913579", "13579246", "135792468", "1357924680", "14141414",
	"147147147", "14725836", "147258369", "147852369", "147896325", "159159159", "159357456", "159753456",
	"18273645", "19701970", "19801980", "19811981", "19821982", "19831983", "19841984", "19851985", "19851986",
	"19861986", "19871987", "19881988", "19891989", "19901990", "19911991", "19921992", "19931993", "19941994",
	"19951995", "19961996", "19971997", "19981998", "19991999", "1a2b3c4d", "1a2s3d4f", "1q2w3e4r", "1q2w3e4r5t",
	"1q2w3e4r5t6y", "1q2w3e4r5t6y7u", "1q2w3e4r5t6y7u8i", "1qa2ws3ed", "1qaz1qaz", "1qaz2wsx", "1qaz2wsx3edc",
	"1qaz@wsx", "1qazxsw2", "1qazxsw23edc", "1qwerty1", "1z2x3c4v", "20002000", "20012001", "20202020",
	"21212121", "22222222", "222222222", "23232323", "25252525", "2cute4u2", "2wsx3edc", "31415926", "321321321",
	"321654987", "33333333", "333333333", "3edc4rfv", "44444444", "444444444", "4815162342", "50505050",
	"55555555", "555555555", "654321654321", "66666666", "666666666", "69696969", "741852963", "77777777",
	"777777777", "7777777777", "78945612", "789456123", "78963214", "789654123", "789789789", "852456852",
	"87654321", "88888888", "888888888", "8888888888", "951753852", "963258741", "963852741", "98765432",
	"987654321", "9876543210", "9876543211", "987654321a", "98765432a", "99999999", "999999999", "a1234567",
	"a12345678", "a123456789", "a1b2c3d4", "a1b2c3d4e5", "a1s2d3f4", "a1s2d3f4g5", "aa123456", "aa12345678",
	"aaa111111", "aaa12345", "aaaa1111", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaaaa", "abc12345", "abc123456",
	"abc123456789", "abc123abc", "abc123def", "abcabc123", "abcabcabc", "abcd1234", "abcd12345", "abcd123456",
	"abcdef12", "abcdef123", "abcdefg1", "abcdefg123", "abcdefgh", "abcdefgh1", "abcdefghi", "abcdefghij",
	"abcdefghijk", "admin123", "admin1234", "admin12345", "admin123456", "admin1234567", "admin@123",
	"adminadmin", "administrator", "administrator1", "adminpass", "adminpassword", "alejandra", "alejandro",
	"alexande", "alexander", "alexander1", "alexandra", "alexandra1", "alexandre", "alexis12", "allison1",
	"amanda12", "amanda123", "anastasia", "anderson", "andrea123", "andrew12", "andrew123", "angelica",
	"angelica1", "angelina", "anthony1", "anthony12", "anthony2", "antonio1", "asd12345", "asd123asd",
	"asdasd123", "asdasdasd", "asdf1234", "asdf12345", "asdf123456", "asdfasdf", "asdfasdf1", "asdfghjk",
	"asdfghjk1", "asdfghjkl", "asdfghjkl1", "asdfghjkl123", "asdfjkl;", "asdfqwer", "ashley12", "ashley123",
	"autumn2023", "autumn2024", "autumn2025", "azertyui", "azertyuiop", "babyblue", "babyboy1", "babydoll",
	"babyface", "babygirl", "babygirl1", "babygirl12", "babygirl2", "babygurl", "babygurl1", "bananas1",
	"barbie12", "barcelona", "baseball", "baseball1", "baseball12", "baseball123", "baseball2", "basketball",
	"basketball1", "bbbbbbbb", "beatrice", "beautiful", "benjamin", "benjamin1", "bernardo", "bigboy12",
	"bigdaddy", "bigdaddy1", "bismillah", "blackberry", "blackbird", "blackcat", "blackjack", "blahblah",
	"blink182", "blueberry", "bluebird", "blueeyes", "bluesky1", "brandon1", "brandon12", "brittany", "brittany1",
	"brooklyn", "brooklyn1", "bulldog1", "bulldogs", "bullshit", "buster12", "buster123", "buttercup",
	"butterfly", "butterfly1", "butterfly2", "butterfly7", "california", "candy123", "cardinal", "cardinals",
	"carebear", "carolina", "caroline", "caroline1", "catherine", "cccccccc", "celtic12", "celtics1", "champion",
	"champions", "changeit", "changeme", "changeme1", "changeme123", "charles1", "charlie1", "charlotte",
	"charlotte1", "cheerleader", "cheerleader1", "chelsea1", "cherry12", "chicago1", "chicken1", "chocolate",
	"chocolate1", "chocolate2", "chopper1", "chris123", "christian", "christian1", "christin", "christina",
	"christina1", "christine", "christopher", "christopher1", "cinnamon", "clarinet", "claudia1", "cocacola",
	"cocacola1", "colorado", "columbia", "computer", "computer1", "computer12", "computer123", "consumer",
	"contrasena", "cookie12", "cookie123", "cookies1", "corvette", "courtney", "courtney1", "cowboys1",
	"cowboys12", "crazy123", "creative", "creative1", "cristian", "cristina", "crystal1", "cupcake1", "daddy123",
	"daddysgirl", "dallas12", "daniel12", "daniel123", "danielle", "danielle1", "darkness", "darkside",
	"darkstar", "david123", "dddddddd", "december", "december1", "default1", "default123", "demo1234",
	"demo12345", "diamond1", "diamonds", "discover", "disneyland", "dolphin1", "dolphins", "dolphins1",
	"dominic1", "dragon12", "dragon123", "dragon1234", "dragon99", "dragonball", "dragonballz", "dreamer1",
	"drowssap", "eastside", "eclipse1", "einstein", "electric", "elephant", "elephant1", "elizabeth",
	"elizabeth1", "emerald1", "emily123", "emmanuel", "enterprise", "evangelion", "evolution", "example1",
	"explorer", "fantasia", "fantasy1", "fernanda", "fernando", "fernando1", "ferrari1", "fireball", "firebird",
	"firefire", "fireman1", "fishing1", "flamingo", "flower12", "flower123", "flowers1", "football", "football1",
	"football10", "football12", "football123", "football2", "forever1", "forever21", "francesca", "francesco",
	"francisco", "franklin", "freckles", "frederic", "frederick", "freedom1", "freedom12", "freepass", "friends1",
	"friendship", "frontier", "fuckface", "fuckoff1", "fuckyou!", "fuckyou1", "fuckyou12", "fuckyou123",
	"fuckyou2", "gabriel1", "gabriela", "gabriella", "gabrielle", "gangsta1", "gangster", "garfield", "gateway1",
	"genesis1", "george12", "ginger12", "giovanni", "gladiator", "godzilla", "golden12", "goldfish", "golfgolf",
	"goodluck", "gorgeous", "graduate", "grandma1", "greenday", "greenday1", "guadalupe", "guest123", "guest1234",
	"guillermo", "guinness", "guitar12", "guitar123", "hannah12", "hannah123", "happiness", "happy123",
	"happyday", "hardcore", "hardrock", "harley12", "harley123", "harrypotter", "haslo123", "heather1",
	"heaven12", "heavenly", "hello123", "hello1234", "hello12345", "hellohello", "hellokitty", "hellokitty1",
	"helloworld", "hercules", "highland", "highlander", "hockey12", "hockey123", "homework", "honey123",
	"hotmail1", "hotstuff", "hunter12", "hunter123", "hunter2hunter", "hunting1", "icecream", "icecream1",
	"ilovegod", "iloveher", "ilovehim", "ilovejesus", "iloveme1", "iloveme2", "iloveu123", "iloveyou",
	"iloveyou!", "iloveyou1", "iloveyou12", "iloveyou123", "iloveyou2", "iloveyou2!", "iloveyou3", "iloveyou4",
	"iloveyou5", "iloveyou7", "iloveyouu", "imagine1", "immortal", "infinity", "internet", "inuyasha", "ironman1",
	"isabella", "isabelle", "jackass1", "jackson1", "jackson5", "jasmine1", "jasmine12", "jellybean", "jennifer",
	"jennifer1", "jessica1", "jessica12", "jessica123", "jesus123", "jesus777", "jesuschrist", "johncena",
	"jonasbrothers", "jonathan", "jonathan1", "jordan01", "jordan12", "jordan123", "jordan23", "joshua12",
	"joshua123", "juliette", "jupiter1", "justdoit", "justice1", "justin01", "justin12", "justinbieber",
	"katherine", "kathleen", "kawasaki", "killer12", "killer123", "killer1234", "kimberly", "kimberly1",
	"kingkong", "knight12", "kristina", "ladybug1", "lakers24", "lauren12", "lavender", "lawrence", "legend12",
	"leonardo", "letmein!", "letmein1", "letmein12", "letmein123", "letmein1234", "letmeinnow", "liberty1",
	"lightning", "linkinpark", "liverpool", "liverpool1", "login123", "lollipop", "lonewolf", "longhorn",
	"lovebug1", "lovelife", "lovelove", "lovelove1", "loveme123", "lover123", "loverboy", "lovergirl",
	"lovergirl1", "loveyou1", "loveyou2", "lucky123", "lucky777", "luckydog", "madison1", "madison123",
	"magician", "manchester", "manchesterunited", "manutd12", "maradona", "margaret", "marine12", "mariposa",
	"marlboro", "marseille", "martinez", "marvin12", "master12", "master123", "master1234", "masterkey",
	"matthew1", "matthew12", "maverick", "megaman1", "memories", "mercedes", "mercedes1", "merlin12", "metallic",
	"metallica", "michael1", "michael12", "michael123", "michael2", "michelle", "michelle1", "michelle12",
	"michigan", "mickeymouse", "microsoft", "midnight", "midnight1", "minecraft", "minecraft1", "mistress",
	"mittens1", "mohammad", "mohammed", "molly123", "monkey11", "monkey12", "monkey123", "monkey1234",
	"moonlight", "morrison", "motdepasse", "motorola", "mountain", "muhammad", "mushroom", "mustang1",
	"mustang12", "mypassword", "mypassword1", "myspace1", "mystical", "naruto12", "naruto123", "natalie1",
	"nathaniel", "navy1234", "newcastle", "newpassword", "newyork1", "nicholas", "nicholas1", "nicole12",
	"nicole123", "nightmare", "nintendo", "nirvana1", "nokia123", "november", "november1", "oblivion", "october1",
	"olivia12", "omega123", "orlando1", "outlaws1", "overlord", "p@ssw0rd", "p@ssw0rd!", "p@ssw0rd1",
	"p@ssw0rd123", "p@ssword", "p@ssword1", "p@ssword123", "pa$$word", "pa55word", "panther1", "panthers",
	"paradise", "paradise1", "paramore", "parola123", "pass1234", "pass12345", "pass@word1", "passion1",
	"passpass", "passw0rd", "passw0rd1", "password", "password!", "password.1", "password0", "password01",
	"password1", "password1!", "password10", "password11", "password12", "password12!", "password123",
	"password123!", "password1234", "password12345", "password123456", "password13", "password2", "password21",
	"password22", "password23", "password3", "password4", "password5", "password6", "password69", "password7",
	"password8", "password9", "password99", "passwordpassword", "passwords", "passwort", "passwort1",
	"passwort123", "patches1", "patricia", "patrick1", "patriots", "pavilion", "peanut12", "penguin1", "pepper12",
	"pepperoni", "peterson", "phoenix1", "picasso1", "pictures", "pikachu1", "pineapple", "piramide", "pizza123",
	"platinum", "platypus", "playboy1", "playstation", "playstation2", "playstation3", "pokemon1", "pokemon12",
	"pokemon123", "politics", "porsche911", "portugal", "precious", "precious1", "predator", "president",
	"princesa", "princess", "princess1", "princess12", "princess123", "princess2", "princess7", "professor",
	"pumpkin1", "purple12", "purple123", "q1w2e3r4", "q1w2e3r4t5", "q1w2e3r4t5y6", "qazwsx123", "qazwsxedc",
	"qazwsxedcrfv", "qazxswedc", "qq123456", "qqqqqqqq", "qwaszx12", "qwe123qwe", "qweasd123", "qweasdzxc",
	"qweasdzxc123", "qweqwe123", "qweqweqwe", "qwer1234", "qwer12345", "qwer123456", "qwerasdf", "qwerasdfzxcv",
	"qwerqwer", "qwert123", "qwert1234", "qwert12345", "qwerty1!", "qwerty12", "qwerty123", "qwerty123!",
	"qwerty1234", "qwerty12345", "qwerty123456", "qwerty123456789", "qwerty2010", "qwerty7890", "qwertyasdfgh",
	"qwertyqwerty", "qwertyui", "qwertyui1", "qwertyuiop", "qwertyuiop1", "qwertyuiop123", "qwertz123",
	"qwertzuiop", "rachel12", "raiders1", "rainbow1", "rainbow7", "rainbows", "rammstein", "rangers1", "rastaman",
	"realmadrid", "rebecca1", "red12345", "redskins", "redsox04", "remember", "renegade", "research", "richard1",
	"robert12", "robert123", "roberto1", "robinson", "rockandroll", "rockstar", "rockstar1", "rocky123",
	"rodriguez", "rolltide", "root1234", "root12345", "rootroot", "rosemary", "runescape", "runescape1",
	"running1", "rush2112", "russell1", "salasana", "samantha", "samantha1", "sample123", "samsung1", "samuel12",
	"sarah123", "saturday", "savannah", "savannah1", "scarface", "scooby12", "scoobydoo", "scorpio1", "scorpion",
	"scorpion1", "seahorse", "sebastian", "sebastian1", "secret12", "secret123", "secret1234", "secretsecret",
	"security", "security1", "senha123", "senha1234", "september", "september1", "serenity", "sexybitch",
	"sexyboy1", "sexygirl", "sexylady", "shadow12", "shadow123", "shannon1", "shithead", "silver12", "simpsons",
	"skateboard", "skateboarding", "skittles", "skorpion", "skywalker", "slipknot", "slipknot1", "smallville",
	"smokey12", "snickers", "snickers1", "snowball", "snowball1", "snowboard", "snowboarding", "snowflake",
	"snowman1", "soccer10", "soccer12", "soccer123", "softball", "softball1", "something", "southern",
	"southside", "spanish1", "sparkle1", "spartan1", "spartans", "special1", "spencer1", "spiderman",
	"spiderman1", "spiderman2", "spirit12", "spitfire", "spongebob", "spring2023", "spring2024", "spring2025",
	"squirrel", "srinivas", "starcraft", "starfish", "stargate", "starlight", "startfinish", "startrek",
	"startrek1", "starwars", "starwars1", "steelers", "steelers1", "stephanie", "stephanie1", "stephen1",
	"sterling", "steven12", "stinky12", "strawberry", "strawberry1", "summer01", "summer12", "summer123",
	"summer2020", "summer2021", "summer2022", "summer2023", "summer2024", "summer2025", "sunflower", "sunshine",
	"sunshine1", "sunshine12", "sunshine123", "sunshine2", "sunshine7", "superman", "superman1", "superman12",
	"superman123", "supersecret", "superstar", "superstar1", "superuser", "surfer12", "survivor", "sweetheart",
	"sweetie1", "sweetness", "sweetpea", "swimmer1", "swimming", "swordfish", "swordfish1", "symphony",
	"taylor12", "taylor123", "teddybear", "teddybear1", "temp1234", "temp12345", "tennessee", "teresa12",
	"terminator", "test1234", "test12345", "test123456", "tester12", "testing1", "testing12", "testing123",
	"testpass", "testtest", "testuser", "thailand", "thebeatles", "thebest1", "thepassword", "thirteen",
	"thomas12", "thomas123", "thunder1", "thunder12", "thunderbird", "tiffany1", "tiger123", "tigers12",
	"tigger12", "tigger123", "timetrack1", "timetracker", "timetrackr", "timothy1", "tinkerbell", "tinkerbell1",
	"titanic1", "together", "tomorrow", "toor1234", "topsecret", "toyota12", "training", "transformers",
	"treasure", "trinity1", "tropical", "trouble1", "truelove", "trustme1", "trustno1", "trustnoone", "turtle12",
	"twilight", "twilight1", "twinkle1", "undertaker", "unicorn1", "universal", "universe", "user1234",
	"user12345", "username", "username1", "valentin", "valentina", "valentine", "valentine1", "vampire1",
	"vanessa1", "vanilla1", "veronica", "veronica1", "veronika", "victoria", "victoria1", "victory1", "vincent1",
	"virginia", "vladimir", "volcom12", "volkswagen", "volleyball", "volleyball1", "voyager1", "wachtwoord",
	"warcraft", "warcraft1", "warhammer", "warrior1", "warriors", "waterfall", "watermelon", "webmaster",
	"wednesday", "welcome01", "welcome1", "welcome1!", "welcome12", "welcome123", "welcome123!", "welcome1234",
	"welcome2", "wellington", "westlife", "westside", "westwood", "whatever", "whatever1", "whatever2",
	"whiskers", "whitney1", "wildcats", "wildfire", "william1", "william12", "williams", "windows1", "winnie12",
	"winniethepooh", "winston1", "winter12", "winter123", "winter2020", "winter2021", "winter2022", "winter2023",
	"winter2024", "winter2025", "wizard12", "wolverine", "wonderful", "woodland", "woodstock", "wordpass",
	"wrestler", "wrestling", "wrestling1", "xbox360x", "xsw2zaq1", "xxxxxxxx", "yamaha12", "yankees1",
	"yankees12", "yankees2", "yellow12", "yellow123", "zachary1", "zaq!2wsx", "zaq123wsx", "zaq12wsx",
	"zaq12wsxcde3", "zaq1xsw2", "zaq1zaq1", "zaqxswcde", "zxasqw12", "zxcvbn12", "zxcvbn123", "zxcvbnm,",
	"zxcvbnm1", "zxcvbnm12", "zxcvbnm123", "zxcvzxcv", "zxczxczxc", "zzzzzzzz", "zzzzzzzzz"
};

static int
compare(const void *password, const void *common)
{
	return pg_strcasecmp(password, *(const char *const *) common);
}

static bool
is_common(const char *password)
{
	return bsearch(password, common_passwords, lengthof(common_passwords),
				   sizeof(common_passwords[0]), compare) != NULL;
}

/* Is it what everybody knows of the account? */
static bool
is_public(const char *password, const char *email, const char *username)
{
	size_t		local = strcspn(email, "@");

	return pg_strcasecmp(password, email) == 0 || pg_strcasecmp(password, username) == 0 ||
		(strlen(password) == local && pg_strncasecmp(password, email, local) == 0);
}

void
tt_password_check(const char *password, const char *field, const char *email, const char *username)
{
	if (pg_mbstrlen(password) < TT_PASSWORD_MIN_CHARS)
		tt_raise(422, "weak_password", field, NULL,
				 "a password has at least %d characters", TT_PASSWORD_MIN_CHARS);
	if (strlen(password) > TT_PASSWORD_MAX_BYTES)
		tt_raise(422, "weak_password", field, NULL,
				 "a password has at most %d bytes", TT_PASSWORD_MAX_BYTES);
	if (is_common(password))
		tt_raise(422, "weak_password", field, NULL,
				 "this password is among the most common ones");
	if (is_public(password, email, username))
		tt_raise(422, "weak_password", field, NULL,
				 "a password is neither the email nor the username");
}
