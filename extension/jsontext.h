/*
 * jsontext.h: values of JSON, appended to a text. Rows and arrays of them are
 * built elsewhere.
 */
#ifndef TT_JSONTEXT_H
#define TT_JSONTEXT_H

#include "timetrackr.h"

#include "lib/stringinfo.h"
#include "utils/date.h"
#include "utils/numeric.h"

extern void tt_json_null(StringInfo out);
extern void tt_json_bool(StringInfo out, bool value);
extern void tt_json_integer(StringInfo out, int64 number);

/* NaN and the infinities, which JSON has no word for, become null. */
extern void tt_json_float4(StringInfo out, float4 number);
extern void tt_json_float8(StringInfo out, float8 number);
extern void tt_json_numeric(StringInfo out, Numeric number);

/* length bytes of text in the server's encoding, quoted and escaped. */
extern void tt_json_string(StringInfo out, const char *text, int length);

/* length bytes of anything, as a string of base64. */
extern void tt_json_base64(StringInfo out, const char *bytes, int length);

/*
 * Times as strings: RFC 3339 in UTC ("2026-03-01T09:30:00Z", a fraction only
 * when it is not zero), without a zone, and the date alone. Infinite ones
 * become null. Years before 0 or after 9999 get a sign and six digits, as in
 * ISO 8601 and JavaScript.
 */
extern void tt_json_timestamptz(StringInfo out, TimestampTz instant);
extern void tt_json_timestamp(StringInfo out, Timestamp local);
extern void tt_json_date(StringInfo out, DateADT day);

#endif
