/*
 * pg.c - the only user of libpq.
 *
 * A host name in the connection string is looked up by libpq in a blocking way
 * at each connect; an address is not.
 */
#include "pg.h"

#include <libpq-fe.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Most values of a query some of which is in binary format. */
#define VALUES_MAX 40

/* Notices are for people at a terminal; the server logs what matters. */
static void
ignore_notice(void *arg, const char *message)
{
	(void) arg;
	(void) message;
}

struct pg_conn *
pg_start(const char *url, const char *name, bool to_primary)
{
	/* what stands before dbname may be changed by the URL, what follows may not */
	const char *const keywords[] = {
		"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "target_session_attrs",
		"dbname", "application_name", "client_encoding", NULL
	};
	const char *const values[] = {
		"30", "10", "3", "20000", to_primary ? "primary" : "any",
		url, name, "UTF8", NULL
	};
	struct pg_conn *conn = PQconnectStartParams(keywords, values, 1);

	if (conn != NULL)
		PQsetNoticeProcessor(conn, ignore_notice, NULL);
	return conn;
}

enum pg_progress
pg_poll(struct pg_conn *conn)
{
	switch (PQconnectPoll(conn))
	{
		case PGRES_POLLING_OK:
			return PG_CONNECTED;
		case PGRES_POLLING_READING:
			return PG_WANTS_READ;
		case PGRES_POLLING_WRITING:
			return PG_WANTS_WRITE;
		default:
			return PG_FAILED;
	}
}

bool
pg_enter_pipeline(struct pg_conn *conn)
{
	return PQsetnonblocking(conn, 1) == 0 && PQenterPipelineMode(conn);
}

void
pg_finish(struct pg_conn *conn)
{
	PQfinish(conn);
}

int
pg_socket(const struct pg_conn *conn)
{
	return PQsocket(conn);
}

int
pg_server_process(const struct pg_conn *conn)
{
	return PQbackendPID(conn);
}

bool
pg_is_bad(const struct pg_conn *conn)
{
	return PQstatus(conn) == CONNECTION_BAD;
}

const char *
pg_error(const struct pg_conn *conn)
{
	return PQerrorMessage(conn);
}

bool
pg_prepare(struct pg_conn *conn, const char *name, const char *sql)
{
	return PQsendPrepare(conn, name, sql, 0, NULL);
}

/* One of the values goes as bytes, so that the formats and lengths of all are told. */
static bool
send_binary(struct pg_conn *conn, const char *name, int value_count, const char *const *values,
			const struct pg_binary *binary)
{
	int			lengths[VALUES_MAX] = {0};
	int			formats[VALUES_MAX] = {0};

	if (value_count > VALUES_MAX || binary->value > value_count || binary->length > INT_MAX)
		return false;
	if (binary->value > 0)
	{
		lengths[binary->value - 1] = (int) binary->length;
		formats[binary->value - 1] = 1;
	}
	return PQsendQueryPrepared(conn, name, value_count, values, lengths, formats, binary->result);
}

bool
pg_query(struct pg_conn *conn, const char *name, const char *sql, int value_count,
		 const char *const *values, const struct pg_binary *binary)
{
	if (name == NULL)
		return PQsendQueryParams(conn, sql, value_count, NULL, values, NULL, NULL, 0);
	if (binary->value > 0 || binary->result)
		return send_binary(conn, name, value_count, values, binary);
	return PQsendQueryPrepared(conn, name, value_count, values, NULL, NULL, 0);
}

bool
pg_sync(struct pg_conn *conn)
{
	return PQpipelineSync(conn);
}

int
pg_flush(struct pg_conn *conn)
{
	return PQflush(conn);
}

bool
pg_receive(struct pg_conn *conn)
{
	return PQconsumeInput(conn);
}

enum pg_event
pg_next(struct pg_conn *conn, struct pg_result **rows)
{
	enum pg_event event;

	if (PQisBusy(conn))
		return PG_NOTHING;
	*rows = PQgetResult(conn);
	if (*rows == NULL)
		return PG_GAP;
	switch (PQresultStatus(*rows))
	{
		case PGRES_TUPLES_OK:
		case PGRES_COMMAND_OK:
		case PGRES_EMPTY_QUERY:
			return PG_ROWS;
		case PGRES_PIPELINE_SYNC:
			event = PG_SYNC;
			break;
		case PGRES_PIPELINE_ABORTED:
			event = PG_SKIPPED;
			break;
		default:
			return PG_ERROR;
	}
	PQclear(*rows);
	*rows = NULL;
	return event;
}

void
pg_clear(struct pg_result *rows)
{
	PQclear(rows);
}

void
pg_notifications(struct pg_conn *conn, void (*notified) (void *arg, const char *channel,
														 const char *payload), void *arg)
{
	PGnotify   *note;

	while ((note = PQnotifies(conn)) != NULL)
	{
		if (notified != NULL)
			notified(arg, note->relname, note->extra);
		PQfreemem(note);
	}
}

/* ---- results ---- */

enum db_outcome
db_result_outcome(const struct db_result *result)
{
	return result->outcome;
}

int
db_result_rows(const struct db_result *result)
{
	return PQntuples(result->rows);
}

const char *
db_result_value(const struct db_result *result, int row, int column)
{
	return PQgetisnull(result->rows, row, column) ? NULL : PQgetvalue(result->rows, row, column);
}

size_t
db_result_length(const struct db_result *result, int row, int column)
{
	return (size_t) PQgetlength(result->rows, row, column);
}

/* The last columns of a row that tells of a refusal, in their order. */
static const int refusal_fields[] = {
	PG_DIAG_SQLSTATE, PG_DIAG_MESSAGE_PRIMARY, PG_DIAG_MESSAGE_DETAIL, PG_DIAG_MESSAGE_HINT
};

#define REFUSAL_COLUMNS ((int) (sizeof refusal_fields / sizeof refusal_fields[0]))

bool
pg_is_refusal(const struct pg_result *rows)
{
	int			sqlstate = PQnfields(rows) - REFUSAL_COLUMNS;

	return PQntuples(rows) == 1 && sqlstate >= 0 && !PQgetisnull(rows, 0, sqlstate);
}

/* A field of an error, or of a row that tells of one. */
static const char *
error_field(const struct db_result *result, int field)
{
	const char *value = PQresultErrorField(result->rows, field);

	for (int i = 0; PQresultStatus(result->rows) == PGRES_TUPLES_OK && i < REFUSAL_COLUMNS; i++)
		if (refusal_fields[i] == field)
			value = PQgetvalue(result->rows, 0, PQnfields(result->rows) - REFUSAL_COLUMNS + i);
	return value != NULL ? value : "";
}

const char *
db_error_sqlstate(const struct db_result *result)
{
	return error_field(result, PG_DIAG_SQLSTATE);
}

const char *
db_error_message(const struct db_result *result)
{
	return error_field(result, PG_DIAG_MESSAGE_PRIMARY);
}

const char *
db_error_detail(const struct db_result *result)
{
	return error_field(result, PG_DIAG_MESSAGE_DETAIL);
}

const char *
db_error_constraint(const struct db_result *result)
{
	return error_field(result, PG_DIAG_CONSTRAINT_NAME);
}

const char *
db_error_column(const struct db_result *result)
{
	return error_field(result, PG_DIAG_COLUMN_NAME);
}

const char *
db_error_hint(const struct db_result *result)
{
	return error_field(result, PG_DIAG_MESSAGE_HINT);
}

struct db_result *
db_result_keep(struct db_result *result)
{
	struct db_result *kept = malloc(sizeof *kept);

	if (kept == NULL)
		return NULL;
	*kept = *result;
	kept->kept = false;
	result->kept = true;
	return kept;
}

void
db_result_free(struct db_result *result)
{
	if (result == NULL)
		return;
	PQclear(result->rows);
	free(result);
}

/* ---- connection strings ---- */

/* The value of an option; NULL: it has none. */
static const char *
option_value(const PQconninfoOption *options, const char *keyword)
{
	while (options->keyword != NULL && strcmp(options->keyword, keyword) != 0)
		options++;
	return options->val;
}

/* How many elements has a list with commas? */
static size_t
list_length(const char *list)
{
	size_t		length = 1;

	for (; list != NULL && *list != '\0'; list++)
		length += *list == ',';
	return length;
}

static size_t
host_count(const PQconninfoOption *options)
{
	const char *addresses = option_value(options, "hostaddr");

	return list_length(addresses != NULL ? addresses : option_value(options, "host"));
}

/* Add one option as libpq reads it; of a list that stands for hosts the element of this one, or the only one there is. */
static void
add_option(struct text *text, const PQconninfoOption *option, size_t host)
{
	const char *value = option->val;
	bool		is_list = strcmp(option->keyword, "host") == 0 || strcmp(option->keyword, "hostaddr") == 0 ||
		strcmp(option->keyword, "port") == 0;
	size_t		length;

	for (size_t i = 0; is_list && i < host && strchr(value, ',') != NULL; i++)
		value = strchr(value, ',') + 1;
	length = is_list ? strcspn(value, ",") : strlen(value);
	text_printf(text, "%s='", option->keyword);
	for (size_t i = 0; i < length; i++)
	{
		if (value[i] == '\'' || value[i] == '\\')
			text_add_char(text, '\\');
		text_add_char(text, value[i]);
	}
	text_add(text, "' ");
}

size_t
db_url_hosts(const char *url, char *urls[DB_HOSTS_MAX])
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	size_t		count = options != NULL ? host_count(options) : 0;

	for (size_t host = 0; host < count; host++)
	{
		struct text text = {0};

		for (const PQconninfoOption *option = options; option->keyword != NULL; option++)
			if (option->val != NULL)
				add_option(&text, option, host);
		urls[host] = text_take(&text);
		if (urls[host] != NULL)
			continue;
		while (host > 0)
			db_url_free(urls[--host]);
		count = 0;
	}
	PQconninfoFree(options);
	return count;
}

void
db_url_free(char *url)
{
	if (url != NULL)
		explicit_bzero(url, strlen(url));
	free(url);
}

/* Do the lists of hosts, addresses and ports fit together? */
static bool
lists_fit(const PQconninfoOption *options, char *why, size_t why_size)
{
	const char *hosts = option_value(options, "host");
	const char *addresses = option_value(options, "hostaddr");
	size_t		count = host_count(options);
	size_t		ports = list_length(option_value(options, "port"));

	if (count > DB_HOSTS_MAX)
		snprintf(why, why_size, "names %zu hosts, and may name %d", count, DB_HOSTS_MAX);
	else if (hosts != NULL && addresses != NULL && list_length(hosts) != count)
		snprintf(why, why_size, "names %zu hosts and %zu addresses", list_length(hosts), count);
	else if (ports != 1 && ports != count)
		snprintf(why, why_size, "names %zu hosts and %zu ports", count, ports);
	else
		return true;
	return false;
}

bool
db_url_is_valid(const char *url, char *why, size_t why_size)
{
	char	   *error = NULL;
	PQconninfoOption *options = PQconninfoParse(url, &error);
	bool		fits;

	if (options == NULL)
	{
		/* libpq's message may quote the password, so it is not passed on */
		snprintf(why, why_size, "%s", error != NULL
				 ? "is no PostgreSQL URL or connection string that libpq understands"
				 : "out of memory");
		PQfreemem(error);
		return false;
	}
	fits = lists_fit(options, why, why_size);
	PQconninfoFree(options);
	return fits;
}
