/*
 * statement.c - builds statements (see statement.h).
 */
#include "statement.h"

#include <string.h>

#include "text.h"

/* Add timetrackr.f("a" => $1::type, …). */
static void
add_call(struct text *sql, const struct catalog_route *route)
{
	text_printf(sql, "timetrackr.%s(", route->function);
	for (size_t i = 0; i < route->param_count; i++)
		text_printf(sql, "%s\"%s\" => $%zu::%s", i ? ", " : "", route->params[i].name, i + 1,
					route->params[i].cast);
	text_add_char(sql, ')');
}

/* Is the answer rows, so that none of them tells nothing about what the path names? */
static bool
has_rows(const struct catalog_route *route)
{
	return route->shape == SHAPE_LIST || route->shape == SHAPE_REPORT || route->shape == SHAPE_CSV;
}

/* Add whether there is the user of a parameter. */
static void
add_user_exists(struct text *sql, size_t user)
{
	text_printf(sql, "EXISTS (SELECT FROM timetrackr.users u WHERE u.id = $%zu::bigint)", user);
}

/*
 * Add whether that is there which the path names: a user, or for a list that the viewer may know of the
 * project, or has the webhook. Written out, it is planned once with the statement;
 * a scalar function that looks into a table would be called, and one in SQL planned, at each execution.
 */
static void
add_found(struct text *sql, struct catalog_route *route, size_t viewer)
{
	for (size_t i = 0; i < route->param_count; i++)
	{
		if (route->params[i].source != SOURCE_PATH)
			continue;
		if (strcmp(route->params[i].name, "user_id") == 0)
		{
			route->subject = "user";
			add_user_exists(sql, i + 1);
			text_add(sql, " AS found");
			return;
		}
		if (strcmp(route->params[i].name, "webhook_id") == 0 && has_rows(route))
		{
			route->subject = "webhook";
			text_printf(sql, "EXISTS (SELECT FROM timetrackr.webhooks w WHERE w.user_id = $%zu::bigint"
						" AND w.id = $%zu::bigint) AS found", viewer, i + 1);
			return;
		}
		if (strcmp(route->params[i].name, "project_id") == 0 && has_rows(route))
		{
			route->subject = "project";
			text_printf(sql, "EXISTS (SELECT FROM timetrackr.visible_projects($%zu::bigint) p"
						" WHERE p.project_id = $%zu::bigint) AS found", viewer, i + 1);
			return;
		}
	}
	text_add(sql, "true AS found");
}

/*
 * A read. A viewer who is gone and a subject that is not there are told from a
 * missing row by two columns in front; the keys of the cursor follow, times
 * among them in ISO 8601; for events, their id and the position of the stream. `format` is the function that writes a row.
 */
static void
add_read(struct text *sql, struct catalog_route *route, const char *format)
{
	size_t		viewer = route->viewer >= 0 ? (size_t) route->viewer + 1 : route->param_count + 1;

	if (route->shape == SHAPE_DOCUMENT)
		text_add(sql, "SELECT v.viewer, v.found, r.item::pg_catalog.text");
	else if (route->shape == SHAPE_IMAGE)
		text_add(sql, "SELECT v.viewer::pg_catalog.text, v.found::pg_catalog.text, r.content_type::pg_catalog.text, r.bytes");
	else if (route->shape == SHAPE_PAGE)
		text_add(sql, "SELECT v.viewer, v.found, r.html");
	else if (route->shape == SHAPE_UPLOAD)
		text_add(sql, "SELECT v.viewer, v.found, r.public_id::pg_catalog.text");
	else
		text_printf(sql, "SELECT v.viewer, v.found, timetrackr.%s(r)", format);
	for (size_t i = 0; i < route->key_count; i++)
	{
		const char *name = route->params[route->keys[i]].name + strlen("after_");

		if (route->params[route->keys[i]].type->kind == KIND_TIMESTAMP)
			text_printf(sql, ", pg_catalog.btrim(pg_catalog.to_json(r.\"%s\")::pg_catalog.text, '\"')", name);
		else
			text_printf(sql, ", r.\"%s\"::pg_catalog.text", name);
	}
	if (route->shape == SHAPE_DOCUMENT)
		text_add(sql, ", r.many::pg_catalog.text");
	if (route->shape == SHAPE_EVENTS)
		text_add(sql, ", r.id::pg_catalog.text, v.position");
	text_printf(sql, " FROM (SELECT ($%zu::bigint IS NULL OR ", viewer);
	add_user_exists(sql, viewer);
	text_add(sql, ") AS viewer, ");
	add_found(sql, route, viewer);
	if (route->shape == SHAPE_EVENTS)
		text_add(sql, ", timetrackr.stream_position()::pg_catalog.text AS position");
	text_add(sql, " OFFSET 0) v LEFT JOIN LATERAL (SELECT * FROM ");
	add_call(sql, route);
	text_add(sql, ") r ON v.viewer AND v.found");
}

static void
add_write(struct text *sql, const struct catalog_route *route)
{
	text_add(sql, "SELECT timetrackr.json(r)");
	if (route->shape == SHAPE_SESSION)
		text_add(sql, ", r.user_id::pg_catalog.text, r.role::pg_catalog.text");
	text_add(sql, " FROM (SELECT * FROM ");
	add_call(sql, route);
	text_add(sql, ") r");
}

/*
 * A write that has its effect once for each key (sql/30_idempotency.sql): the
 * key and the fingerprint come behind the parameters. CASE runs only the branch it takes.
 */
static void
add_once(struct text *sql, const struct catalog_route *route, bool is_void)
{
	size_t		viewer = (size_t) route->viewer + 1;
	size_t		key = route->param_count + 1;

	text_printf(sql, "SELECT CASE WHEN o.is_new THEN timetrackr.remember($%zu::bigint, $%zu::text, $%zu::text, %d, (",
				viewer, key, key + 1, route->status);
	if (is_void)
	{
		text_add(sql, "SELECT ");
		add_call(sql, route);
		text_add(sql, "::pg_catalog.text");
	}
	else
		add_write(sql, route);
	text_printf(sql, ")) ELSE o.body END, o.status::pg_catalog.text"
				" FROM timetrackr.once($%zu::bigint, $%zu::text, $%zu::text) o", viewer, key, key + 1);
}

/* Does a key make sense with it? A session holds a token, which is kept nowhere. */
static bool
takes_key(const struct catalog_route *route)
{
	return route->method == METHOD_POST && route->access == ACCESS_USER && route->lane != LANE_READ &&
		route->viewer >= 0 && route->shape != SHAPE_SESSION;
}

/* The same, when its last columns tell of a refusal: the answer is made of the others. */
static void
add_refusing_write(struct text *sql, const struct catalog_route *route)
{
	text_add(sql, route->column_count > 0 ? "SELECT timetrackr.json(a)" : "SELECT NULL");
	if (route->shape == SHAPE_SESSION)
		text_add(sql, ", r.user_id::pg_catalog.text, r.role::pg_catalog.text");
	text_add(sql, ", r.refused::pg_catalog.text, r.retry_after::pg_catalog.text FROM (SELECT * FROM ");
	add_call(sql, route);
	text_add(sql, ") r CROSS JOIN LATERAL (SELECT ");
	for (size_t i = 0; i < route->column_count; i++)
		text_printf(sql, "%sr.\"%s\"", i > 0 ? ", " : "", route->columns[i].name);
	text_add(sql, ") a");
}

/* Which value is a picture: its number, or 0. */
static int
image_value(const struct catalog_route *route)
{
	for (size_t i = 0; i < route->param_count; i++)
		if (route->params[i].source == SOURCE_IMAGE)
			return (int) i + 1;
	return 0;
}

/*
 * A call at the user's home, on a database of several nodes: Citus sends on a statement that is one call with
 * the user's id and no more, so the whole statement is an argument of it. All columns but bytes come as text, and
 * those of a refusal at the end.
 */
static void
send_home(struct text *sql, const struct catalog_route *route, size_t value_count, size_t column_count)
{
	struct text sent = {0};

	text_printf(&sent, "SELECT * FROM timetrackr.answer_at_home($%d::bigint, '", route->home + 1);
	for (size_t i = 0; i < sql->length; i++)
	{
		if (sql->data[i] == '\'')
			text_add_char(&sent, '\'');
		text_add_char(&sent, sql->data[i]);
	}
	text_add(&sent, "', ARRAY[");
	for (size_t i = 1; i <= value_count; i++)
		text_printf(&sent, "%s$%zu::text", i > 1 ? ", " : "", i);
	text_add(&sent, "]) AS r (");
	for (size_t i = 0; i < column_count; i++)
		text_printf(&sent, "%sc%zu %s", i > 0 ? ", " : "", i,
					route->shape == SHAPE_IMAGE && i + 1 == column_count ? "bytea" : "text");
	text_add(&sent, ", sqlstate text, message text, detail text, hint text)");
	sent.failed = sent.failed || sql->failed;
	text_free(sql);
	*sql = sent;
}

static size_t
columns_of_read(const struct catalog_route *route)
{
	size_t		count = 3 + route->key_count;

	if (route->shape == SHAPE_IMAGE || route->shape == SHAPE_DOCUMENT)
		return count + 1;
	return route->shape == SHAPE_EVENTS ? count + 2 : count;
}

static size_t
columns_of_write(const struct catalog_route *route)
{
	size_t		count = route->shape == SHAPE_SESSION ? 3 : 1;

	return route->may_refuse ? count + 2 : count;
}

/* The statement of a route; `format` is the function that writes a row of a read. */
static void
add_statement(struct text *sql, struct catalog_route *route, bool is_void, const char *format)
{
	bool		is_read = route->lane == LANE_READ && !is_void;

	if (is_void)
	{
		text_add(sql, "SELECT ");
		add_call(sql, route);
	}
	else if (is_read)
		add_read(sql, route, format);
	else if (route->may_refuse)
		add_refusing_write(sql, route);
	else
		add_write(sql, route);
	if (route->home >= 0)
		send_home(sql, route, route->param_count + (is_read && route->viewer < 0),
				  is_read ? columns_of_read(route) : columns_of_write(route));
}

bool
statement_fill(struct catalog_route *route, int id, bool is_void)
{
	struct text sql = {0};
	struct text csv = {0};
	struct text once = {0};

	add_statement(&sql, route, is_void, route->shape == SHAPE_CSV ? "csv" : "json");
	route->statement = (struct db_statement) {
		.id = id,
		.sql = text_take(&sql),
		.binary_value = image_value(route),
		.binary_result = route->shape == SHAPE_IMAGE,
		.tells_refusals = route->home >= 0,
	};
	if (takes_key(route))
	{
		add_once(&once, route, is_void);
		if (route->home >= 0)
			send_home(&once, route, route->param_count + 2, 2);
		route->once = (struct db_statement) {
			.id = STATEMENT_ROUTES_MAX + id, .sql = text_take(&once), .tells_refusals = route->home >= 0
		};
		return route->statement.sql != NULL && route->once.sql != NULL;
	}
	if (route->shape != SHAPE_REPORT)
		return route->statement.sql != NULL;
	add_statement(&csv, route, is_void, "csv");
	route->csv = (struct db_statement) {
		.id = STATEMENT_ROUTES_MAX + id, .sql = text_take(&csv), .tells_refusals = route->home >= 0
	};
	return route->statement.sql != NULL && route->csv.sql != NULL;
}
