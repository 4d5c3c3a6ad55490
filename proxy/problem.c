/*
 * problem.c - SQLSTATE → status, and the JSON of a problem.
 */
#include "problem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Matched by prefix, the first row that fits wins; see "Error codes" of PostgreSQL's manual. */
static const struct
{
	const char *sqlstate;
	int			status;
	const char *code;
	const char *detail;
}			known[] = {
	{"22", 422, "invalid_value", "A value is not acceptable."},
	{"23502", 422, "missing_field", "A value is missing."},
	{"23503", 409, "reference_broken", "Something that this refers to, or that refers to this, is in the way."},
	{"23505", 409, "already_exists", "This exists already."},
	{"23", 422, "invalid_value", "A value is not acceptable."},
	{"25006", 503, "database_unavailable", "The database takes no changes at present."},
	{"40001", 503, "conflict_with_others", "Too many requests changed the same data at once. Try again."},
	{"40P01", 503, "conflict_with_others", "Too many requests changed the same data at once. Try again."},
	{"53", 503, "database_unavailable", "The database is out of resources."},
	{"55P03", 503, "database_unavailable", "The data is locked. Try again."},
	{"57014", 504, "timeout", "The database took too long."},
	{"57P", 503, "database_unavailable", "The database is not available."},
	{"08", 503, "database_unavailable", "The database is not available."},
};

static const struct
{
	int			status;
	const char *title;
}			titles[] = {
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{417, "Expectation Failed"},
	{422, "Unprocessable Content"},
	{426, "Upgrade Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

const char *
problem_title(int status)
{
	for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Error";
}

void
problem_set(struct problem *problem, int status, const char *code, const char *detail)
{
	*problem = (struct problem) {.status = status, .code = code, .detail = detail};
	if (status == 503)
		problem->retry_after = 1;
}

void
problem_add_fault(struct problem *problem, int status, const char *field,
				  const char *code, const char *detail)
{
	bool		outranks = problem->fault_count > 0 && status < problem->status;

	if (problem->fault_count == 0 || outranks)
	{
		problem->status = status;
		problem->code = code;
		problem->detail = detail;
		problem->field = field;
	}
	if (problem->fault_count < PROBLEM_FAULTS_MAX)
		problem->faults[problem->fault_count++] = (struct problem_fault) {field, code, detail};
}

/* The status within TTnnn; 0 when it is no such SQLSTATE. */
static int
own_status(const char *sqlstate)
{
	if (strncmp(sqlstate, "TT", 2) != 0 || strlen(sqlstate) != 5 ||
		strspn(sqlstate + 2, "0123456789") != 3 || sqlstate[2] < '4' || sqlstate[2] > '5')
		return 0;
	return (int) strtol(sqlstate + 2, NULL, 10);
}

/* Copy a field of the error, or NULL when it is empty. */
static char *
keep(struct arena *arena, const char *value, bool *good)
{
	char	   *copy;

	if (*value == '\0')
		return NULL;
	copy = arena_copy(arena, value, strlen(value));
	*good = *good && copy != NULL;
	return copy;
}

/* For a report: what the database said of a failure that is not the client's. */
static bool
note_cause(struct problem *problem, const struct db_result *result, struct arena *arena)
{
	bool		good = true;

	if (problem->status < 500)
		return true;
	problem->sqlstate = keep(arena, db_error_sqlstate(result), &good);
	problem->cause = keep(arena, db_error_message(result), &good);
	return good;
}

/*
 * Code and field of an error: the constraint and the column, or, of one that came from
 * another node, both words of the hint.
 */
static bool
find_code(const struct db_result *result, struct arena *arena, const char **code, const char **field)
{
	bool		good = true;
	bool		is_here = *db_error_constraint(result) != '\0';
	char	   *words = keep(arena, is_here ? db_error_constraint(result) : db_error_hint(result), &good);
	char	   *space = is_here || words == NULL ? NULL : strchr(words, ' ');

	*code = words;
	*field = is_here ? keep(arena, db_error_column(result), &good) : NULL;
	if (space != NULL)
	{
		*space = '\0';
		*field = space + 1;
	}
	return good;
}

/* An error that the extension raised on purpose: all its fields are for the client. */
static bool
from_own_error(struct problem *problem, int status, const struct db_result *result,
			   struct arena *arena)
{
	const char *code;
	const char *field;
	bool		good = find_code(result, arena, &code, &field);

	problem_set(problem, status, code != NULL ? code : "refused",
				keep(arena, db_error_message(result), &good));
	if (code != NULL && strcmp(code, "request_in_flight") == 0)
		problem->retry_after = 1;
	problem->field = field;
	problem->members = keep(arena, db_error_detail(result), &good);
	if (problem->field != NULL)
		problem->faults[problem->fault_count++] =
			(struct problem_fault) {problem->field, problem->code, problem->detail};
	return note_cause(problem, result, arena) && good;
}

/* Citus has no SQLSTATE for a node that it has lost, be it its own. */
static const char *
sqlstate_of(const struct db_result *result)
{
	static const char *const losses[] = {"failure on connection marked as essential", "postmaster was shut down"};

	for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
		if (strncmp(db_error_message(result), losses[i], strlen(losses[i])) == 0)
			return "08006";
	return db_error_sqlstate(result);
}

bool
problem_from_error(struct problem *problem, const struct db_result *result, struct arena *arena)
{
	const char *sqlstate = sqlstate_of(result);
	int			status = own_status(sqlstate);

	if (status != 0)
		return from_own_error(problem, status, result, arena);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strncmp(sqlstate, known[i].sqlstate, strlen(known[i].sqlstate)) == 0)
		{
			problem_set(problem, known[i].status, known[i].code, known[i].detail);
			return note_cause(problem, result, arena);
		}
	problem_set(problem, 500, "internal_error", "Something went wrong here. The request id tells us what.");
	return note_cause(problem, result, arena);
}

static void
add_member(struct text *text, const char *name, const char *value)
{
	text_add_char(text, ',');
	text_add_json(text, name);
	text_add_char(text, ':');
	text_add_json(text, value);
}

void
problem_write(struct text *text, const struct problem *problem, const char *request_id)
{
	text_add(text, "{\"type\":\"about:blank\"");
	add_member(text, "title", problem_title(problem->status));
	text_printf(text, ",\"status\":%d", problem->status);
	add_member(text, "detail", problem->detail);
	add_member(text, "code", problem->code);
	add_member(text, "request_id", request_id);
	if (problem->field != NULL)
		add_member(text, "field", problem->field);
	if (problem->fault_count > 0)
		text_add(text, ",\"errors\":[");
	for (size_t i = 0; i < problem->fault_count; i++)
	{
		text_add(text, i ? ",{\"field\":" : "{\"field\":");
		text_add_json(text, problem->faults[i].field);
		add_member(text, "code", problem->faults[i].code);
		add_member(text, "detail", problem->faults[i].detail);
		text_add_char(text, '}');
	}
	if (problem->fault_count > 0)
		text_add_char(text, ']');
	if (problem->members != NULL)
	{
		/* an object's text: without its braces, its members go on ours */
		const char *start = strchr(problem->members, '{') + 1;
		const char *end = strrchr(problem->members, '}');

		while (start < end && isspace((unsigned char) *start))
			start++;
		if (start < end)
		{
			text_add_char(text, ',');
			text_add_bytes(text, start, (size_t) (end - start));
		}
	}
	text_add_char(text, '}');
}
