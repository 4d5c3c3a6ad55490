/*
 * json.h: a row as a JSON object, as HTTP clients of the API get it.
 */
#ifndef TT_JSON_H
#define TT_JSON_H

#include "timetrackr.h"

#include "lib/stringinfo.h"

/*
 * Append a composite value, of any row type, as a JSON object. Composites,
 * arrays and JSON within it become objects, lists and JSON.
 */
extern void tt_json_row(StringInfo out, Datum row);

#endif
