#include "base/country.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* By ISO code; the first prefix is the one that people know. */
static const struct country {
    const char *iso, *prefixes;
} countries[] = {
    {"AC", "247"},
    {"AD", "376"},
    {"AE", "971"},
    {"AF", "93"},
    {"AG", "1268"},
    {"AI", "1264"},
    {"AL", "355"},
    {"AM", "374"},
    {"AO", "244"},
    {"AR", "54"},
    {"AS", "1684"},
    {"AT", "43"},
    {"AU", "61"},
    {"AW", "297"},
    {"AX", "35818"},
    {"AZ", "994"},
    {"BA", "387"},
    {"BB", "1246"},
    {"BD", "880"},
    {"BE", "32"},
    {"BF", "226"},
    {"BG", "359"},
    {"BH", "973"},
    {"BI", "257"},
    {"BJ", "229"},
    {"BM", "1441"},
    {"BN", "673"},
    {"BO", "591"},
    {"BQ", "5993 5994 5997"},
    {"BR", "55"},
    {"BS", "1242"},
    {"BT", "975"},
    {"BW", "267"},
    {"BY", "375"},
    {"BZ", "501"},
    {"CA", "1204 1226 1236 1249 1250 1257 1263 1289 1306 1343 1354 1365 1367 1368 1382 1387 1403 "
           "1416 1418 1428 1431 1437 1438 1450 1460 1468 1474 1506 1514 1519 1537 1548 1568 1579 "
           "1581 1584 1587 1600 1604 1613 1622 1639 1647 1672 1683 1705 1709 1742 1753 1778 1780 "
           "1782 1807 1819 1825 1867 1873 1879 1902 1905 1942"},
    {"CC", "6189162"},
    {"CD", "243"},
    {"CF", "236"},
    {"CG", "242"},
    {"CH", "41"},
    {"CI", "225"},
    {"CK", "682"},
    {"CL", "56"},
    {"CM", "237"},
    {"CN", "86"},
    {"CO", "57"},
    {"CR", "506"},
    {"CU", "53"},
    {"CV", "238"},
    {"CW", "599"},
    {"CX", "6189164"},
    {"CY", "357"},
    {"CZ", "420"},
    {"DE", "49"},
    {"DJ", "253"},
    {"DK", "45"},
    {"DM", "1767"},
    {"DO", "1809 1829 1849"},
    {"DZ", "213"},
    {"EC", "593"},
    {"EE", "372"},
    {"EG", "20"},
    {"EH", "2125288 2125289"},
    {"ER", "291"},
    {"ES", "34"},
    {"ET", "251"},
    {"FI", "358"},
    {"FJ", "679"},
    {"FK", "500"},
    {"FM", "691"},
    {"FO", "298"},
    {"FR", "33"},
    {"GA", "241"},
    {"GB", "44"},
    {"GD", "1473"},
    {"GE", "995"},
    {"GF", "594"},
    {"GG", "441481 447781 447839 447911"},
    {"GH", "233"},
    {"GI", "350"},
    {"GL", "299"},
    {"GM", "220"},
    {"GN", "224"},
    {"GP", "590"},
    {"GQ", "240"},
    {"GR", "30"},
    {"GT", "502"},
    {"GU", "1671"},
    {"GW", "245"},
    {"GY", "592"},
    {"HK", "852"},
    {"HN", "504"},
    {"HR", "385"},
    {"HT", "509"},
    {"HU", "36"},
    {"ID", "62"},
    {"IE", "353"},
    {"IL", "972"},
    {"IM", "441624 447524 447624 447924"},
    {"IN", "91"},
    {"IO", "246"},
    {"IQ", "964"},
    {"IR", "98"},
    {"IS", "354"},
    {"IT", "39"},
    {"JE", "441534 447509 447797 447829 447937"},
    {"JM", "1876 1658"},
    {"JO", "962"},
    {"JP", "81"},
    {"KE", "254"},
    {"KG", "996"},
    {"KH", "855"},
    {"KI", "686"},
    {"KM", "269"},
    {"KN", "1869"},
    {"KP", "850"},
    {"KR", "82"},
    {"KW", "965"},
    {"KY", "1345"},
    {"KZ", "76 77"},
    {"LA", "856"},
    {"LB", "961"},
    {"LC", "1758"},
    {"LI", "423"},
    {"LK", "94"},
    {"LR", "231"},
    {"LS", "266"},
    {"LT", "370"},
    {"LU", "352"},
    {"LV", "371"},
    {"LY", "218"},
    {"MA", "212"},
    {"MC", "377"},
    {"MD", "373"},
    {"ME", "382"},
    {"MG", "261"},
    {"MH", "692"},
    {"MK", "389"},
    {"ML", "223"},
    {"MM", "95"},
    {"MN", "976"},
    {"MO", "853"},
    {"MP", "1670"},
    {"MQ", "596"},
    {"MR", "222"},
    {"MS", "1664"},
    {"MT", "356"},
    {"MU", "230"},
    {"MV", "960"},
    {"MW", "265"},
    {"MX", "52"},
    {"MY", "60"},
    {"MZ", "258"},
    {"NA", "264"},
    {"NC", "687"},
    {"NE", "227"},
    {"NF", "6723"},
    {"NG", "234"},
    {"NI", "505"},
    {"NL", "31"},
    {"NO", "47"},
    {"NP", "977"},
    {"NR", "674"},
    {"NU", "683"},
    {"NZ", "64"},
    {"OM", "968"},
    {"PA", "507"},
    {"PE", "51"},
    {"PF", "689"},
    {"PG", "675"},
    {"PH", "63"},
    {"PK", "92"},
    {"PL", "48"},
    {"PM", "508"},
    {"PR", "1787 1939"},
    {"PS", "970"},
    {"PT", "351"},
    {"PW", "680"},
    {"PY", "595"},
    {"QA", "974"},
    {"RE", "262"},
    {"RO", "40"},
    {"RS", "381"},
    {"RU", "7"},
    {"RW", "250"},
    {"SA", "966"},
    {"SB", "677"},
    {"SC", "248"},
    {"SD", "249"},
    {"SE", "46"},
    {"SG", "65"},
    {"SH", "290"},
    {"SI", "386"},
    {"SJ", "4779"},
    {"SK", "421"},
    {"SL", "232"},
    {"SM", "378"},
    {"SN", "221"},
    {"SO", "252"},
    {"SR", "597"},
    {"SS", "211"},
    {"ST", "239"},
    {"SV", "503"},
    {"SX", "1721"},
    {"SY", "963"},
    {"SZ", "268"},
    {"TC", "1649"},
    {"TD", "235"},
    {"TG", "228"},
    {"TH", "66"},
    {"TJ", "992"},
    {"TK", "690"},
    {"TL", "670"},
    {"TM", "993"},
    {"TN", "216"},
    {"TO", "676"},
    {"TR", "90"},
    {"TT", "1868"},
    {"TV", "688"},
    {"TW", "886"},
    {"TZ", "255"},
    {"UA", "380"},
    {"UG", "256"},
    {"US", "1"},
    {"UY", "598"},
    {"UZ", "998"},
    {"VA", "379 3906698"},
    {"VC", "1784"},
    {"VE", "58"},
    {"VG", "1284"},
    {"VI", "1340"},
    {"VN", "84"},
    {"VU", "678"},
    {"WF", "681"},
    {"WS", "685"},
    {"XK", "383"},
    {"YE", "967"},
    {"YT", "262269 262639"},
    {"ZA", "27"},
    {"ZM", "260"},
    {"ZW", "263"},
};

/* By what makes them dear. */
static const struct {
    const char *what, *prefixes;
} dear[] = {
    {"a premium-rate number",
     "1900 979 449 44871 44872 44873 35315 3389 34803 34806 34807 34905 34907 3989 49900 49137 "
     "43900 43901 43930 43931 43939 41900 41901 41906 31900 31906 31909 3290 35290 4590 46900 "
     "46939 46944 4782 358600 358700 4870 42090 421900 3690 4090 35990 3090 351760 351761 351762 "
     "61190 64900 81990 7809 380900 375902 370900 37190 372900 38560 38561 38564 38565 38569 38689 "
     "38690 90900 52900 55900 651900 886204"},
    {"a personal number, dear like premium ones", "4470 878"},
    {"a satellite telephone", "870 881"},
    {"an international network beyond the countries", "882 883 888 991"},
    {"a shared-cost service", "49180 808"},
};
/* The length of the longest of some prefixes, with spaces between, that `digits` begin with. */
static size_t fits(const char *prefixes, const char *digits)
{
    size_t best = 0;

    for (const char *p = prefixes; *p != '\0'; p += *p == ' ') {
        size_t len = strcspn(p, " ");

        if (len > best && strncmp(p, digits, len) == 0)
            best = len;
        p += len;
    }
    return best;
}

const char *country_of(const char *number)
{
    const char *iso = NULL;
    size_t best = 0;

    if (*number != '+')
        return NULL;
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++) {
        size_t len = fits(countries[i].prefixes, number + 1);

        if (len > best) {
            best = len;
            iso = countries[i].iso;
        }
    }
    return iso;
}

static const struct country *find(const char *iso)
{
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
        if (strcmp(countries[i].iso, iso) == 0)
            return &countries[i];
    return NULL;
}

bool country_known(const char *iso)
{
    return find(iso) != NULL;
}

const char *country_prefix(const char *iso, char out[12])
{
    const struct country *c = find(iso);

    if (c == NULL)
        return NULL;
    snprintf(out, 12, "+%.*s", (int)strcspn(c->prefixes, " "), c->prefixes);
    return out;
}

const char *country_dear(const char *number)
{
    const char *what = NULL;
    size_t best = 0;

    if (*number != '+')
        return NULL;
    for (size_t i = 0; i < sizeof dear / sizeof *dear; i++) {
        size_t len = fits(dear[i].prefixes, number + 1);

        if (len > best) {
            best = len;
            what = dear[i].what;
        }
    }
    return what;
}
