/*
 * catalog.h - the routes, completed from PostgreSQL's catalog.
 *
 * A row of routes.def names a function of schema timetrackr; its parameters,
 * defaults, result columns and comment are read from pg_proc when the proxy
 * starts, and its statement is built from them. The catalog is built once, and
 * shared read-only by all threads.
 */
#ifndef TIMETRACKR_CATALOG_H
#define TIMETRACKR_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "db.h"

/* Most parameters of a function, segments of a path, cursor columns of a list. */
#define CATALOG_PARAMS_MAX 32
#define CATALOG_SEGMENTS_MAX 8
#define CATALOG_KEYS_MAX 4

/* What a page of a list may hold, and holds unless `limit` says otherwise (see the function's default). */
#define CATALOG_LIMIT_MAX 100

enum catalog_method
{
	METHOD_GET,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_COUNT
};

enum catalog_access
{
	ACCESS_ANYONE,				/* opens a session: an expired token does no harm */
	ACCESS_OPTIONAL,			/* anonymous, or with a valid token */
	ACCESS_USER					/* a valid token is needed */
};

enum catalog_shape
{
	SHAPE_ROW,					/* one object; no row: 404 */
	SHAPE_MAYBE,				/* one object; no row: 204 */
	SHAPE_LIST,					/* an array, paged when the function has after_ parameters */
	SHAPE_REPORT,				/* an array, or CSV where Accept prefers that */
	SHAPE_CSV,					/* a list as CSV, all of it, fetched page by page by its after_ parameters */
	SHAPE_DOCUMENT,				/* one object of any size, fetched like that: from rows of section, key, many, item */
	SHAPE_EVENTS,				/* an array, waited for while it is empty (parameters after, wait, limit) */
	SHAPE_SESSION,				/* one object, completed with an access token */
	SHAPE_IMAGE,				/* the bytes of a picture; no row: 404 */
	SHAPE_UPLOAD,				/* one object: what to send to Cloudinary, signed */
	SHAPE_TEXT,					/* text, whatever the client prefers */
	SHAPE_PAGE,					/* a page for browsers; no row: 404 */
	SHAPE_FORM,					/* no body, but a browser is sent back to the page of the same path */
	SHAPE_NOTHING				/* no body */
};

enum catalog_lane
{
	LANE_READ,
	LANE_WRITE,
	LANE_BATCH,					/* writes that may share a transaction */
	LANE_LOGIN,
	LANE_BULK,					/* writes that take seconds */
	LANE_STANDBY,				/* of no route: reads that a standby may answer (reads.h) */
	LANE_COUNT
};

enum catalog_accelerator
{
	ACCELERATOR_NONE,
	ACCELERATOR_LEADERBOARD,
	ACCELERATOR_PROJECT_BOARD,	/* from here on only kept: see freshness.c */
	ACCELERATOR_PROFILE,
	ACCELERATOR_USER_BADGES,
	ACCELERATOR_PROJECT,
	ACCELERATOR_BADGES,
	ACCELERATOR_TIMELINE,
	ACCELERATOR_ACTIVITY,
	ACCELERATOR_ME,
	ACCELERATOR_COUNT
};

enum catalog_builtin
{
	BUILTIN_NONE,				/* a function in the database answers */
	BUILTIN_HEALTHZ,
	BUILTIN_READYZ,
	BUILTIN_OPENAPI,
	BUILTIN_LIVE,
	BUILTIN_METRICS				/* at the exporter alone */
};

enum catalog_kind
{
	KIND_BOOLEAN,
	KIND_INTEGER,				/* integer, 32 bits */
	KIND_BIGINT,				/* bigint, 64 bits */
	KIND_NUMBER,				/* numeric, real, double precision */
	KIND_TEXT,
	KIND_TIMESTAMP,				/* timestamptz */
	KIND_DATE,
	KIND_ENUM,
	KIND_JSON,					/* json, jsonb: anything */
	KIND_ARRAY,					/* of `element` */
	KIND_BYTES,					/* bytea: a picture */
	KIND_RECORD,				/* composite, with `fields` */
	KIND_VOID
};

struct fields;
struct schema;
struct catalog_column;

/* A type, shared between all that use it. `name` is its name in SQL, without schema. */
struct catalog_type
{
	enum catalog_kind kind;
	char	   *name;
	char	  **labels;			/* KIND_ENUM, in order */
	size_t		label_count;
	const struct catalog_type *element; /* KIND_ARRAY */
	struct catalog_column *fields;	/* KIND_RECORD */
	size_t		field_count;
};

struct catalog_column
{
	const char *name;
	const struct catalog_type *type;
};

/* Where a parameter's value comes from. */
enum catalog_source
{
	SOURCE_PATH,
	SOURCE_QUERY,				/* GET and DELETE, and whatever stands beside a document */
	SOURCE_BODY,				/* POST, PUT and PATCH, and DELETE when it asks for a password */
	SOURCE_VIEWER,				/* viewer_id: the token's user */
	SOURCE_REFRESH_TTL,			/* refresh_ttl: the setting */
	SOURCE_ADDRESS,				/* client_address: where the request comes from */
	SOURCE_ALLOW_PRIVATE,		/* allow_private: WEBHOOKS_ALLOW_PRIVATE */
	SOURCE_HAS_MAIL,			/* has_mail: is SMTP_URL set? */
	SOURCE_GIVEN,				/* given: names of the fields present in the body */
	SOURCE_CURSOR,				/* after_…: the cursor */
	SOURCE_DOCUMENT,			/* csv: the whole body, of type text/csv */
	SOURCE_IMAGE,				/* image: the whole body, of a picture's type */
	SOURCE_IMAGE_TYPE,			/* content_type: which type that is */
	SOURCE_CLOUD_NAME,			/* cloud_name: the setting */
	SOURCE_NOTIFICATION,		/* notification: the whole body, JSON that Cloudinary has signed */
	SOURCE_PAGE					/* limit, of what is streamed: its default, the rows of a page */
};

struct catalog_param
{
	const char *name;
	const struct catalog_type *type;
	enum catalog_source source;
	bool		required;		/* it has no default */
	const char *fallback;		/* the default as text; NULL: SQL NULL, or required */
	const char *cast;			/* the type's full name in SQL */
};

/* One segment of a path: fixed text, or the parameter with that index. */
struct catalog_segment
{
	const char *text;			/* into the route's path, not ended by NUL; NULL: a parameter */
	size_t		length;
	int			param;			/* index into params, -1 for text */
};

struct catalog_route
{
	enum catalog_method method;
	const char *path;			/* as in routes.def: /users/{user_id}/profile */
	const char *function;		/* NULL for a built-in */
	enum catalog_builtin builtin;
	enum catalog_access access;
	enum catalog_shape shape;
	int			status;			/* of success */
	enum catalog_lane lane;
	enum catalog_accelerator accelerator;
	const char *description;	/* COMMENT ON FUNCTION, "" when there is none */
	char		noun[32];		/* of the last path parameter: "project"; or "resource" */

	struct catalog_param params[CATALOG_PARAMS_MAX];	/* in the function's order */
	size_t		param_count;
	const struct catalog_column *columns;	/* of the result; for a void function none */
	size_t		column_count;
	struct catalog_column *own_columns; /* private: to be freed */
	struct catalog_segment segments[CATALOG_SEGMENTS_MAX];
	size_t		segment_count;
	int			keys[CATALOG_KEYS_MAX]; /* indexes of the after_ params: the list is paged by them */
	size_t		key_count;
	int			limit;			/* index of parameter "limit", or -1 */
	int			viewer;			/* index of parameter viewer_id, or -1 */
	int			home;			/* on several nodes, index of the user at whose home it is called; -1: it is called anywhere */
	int			document;		/* index of parameter csv, or -1 */
	bool		reads_body;		/* some parameter is SOURCE_BODY */
	bool		takes_image;	/* it has a parameter image: in place of that there may be JSON, of all that is SOURCE_BODY */
	bool		takes_notification;	/* it has a parameter notification */
	bool		uses_cloudinary;	/* what it takes or gives, if it is no picture itself, is signed */
	bool		may_refuse;		/* the function's last columns, which are not in `columns`, are refused and retry_after */

	/*
	 * $1 … $n are params in order; a read without viewer_id has the viewer as
	 * $n+1. Columns of a read: viewer exists, subject exists, JSON, keys…;
	 * of a write: JSON; of a session: JSON, user_id, role; of a void function one to ignore.
	 * Of a picture: viewer exists, subject exists, type and bytes, as text and in binary format; of
	 * an upload the public id is the third.
	 * Of a document the item is the JSON, and `many` follows the keys. A write that may
	 * refuse has refused and retry_after behind all others.
	 */
	struct db_statement statement;
	struct db_statement csv;	/* a read that gives CSV instead of JSON; sql is NULL when there is none */
	/*
	 * A write for a request with a key, which is $n+1, and its fingerprint $n+2: JSON, and the
	 * status of the first answer, NULL when this is the first; sql is NULL when there is none.
	 */
	struct db_statement once;
	/* Of a POST: the first column of its row, when GET of path/{that column} shows what was made; else NULL. */
	const char *location;
	const char *subject;		/* what the path of a read names, "user"; NULL: nothing to look for */
};

struct catalog
{
	struct catalog_route *routes;	/* in the order of routes.def */
	size_t		route_count;
	const char *version;		/* of the extension */
	bool		is_distributed;	/* over several nodes */
	struct schema *schema;		/* private: owns names, types and comments */
	struct fields *fields;		/* what is known of fields beyond their types */
};

/*
 * The values of one call, in the order of route->params, as PostgreSQL's text
 * format; NULL is SQL NULL. Defaults are filled in already. For a paged list
 * `limit` is one more than the client asked for: the extra row tells whether
 * there is a next page.
 */
struct param_values
{
	const char *value[CATALOG_PARAMS_MAX + 1];	/* up to two that are no parameters come last */
	size_t		image_length;	/* of the value that is a picture, and has no NUL behind it */
};

/*
 * Build the catalog from the database behind `url`. NULL with one line in
 * `why` that says what to do: the extension or install() is missing, a function
 * is missing, or a path parameter is no argument of its function.
 */
struct catalog *catalog_build(const char *url, char *why, size_t why_size);

void		catalog_free(struct catalog *catalog);

/* "GET", "POST", … */
const char *catalog_method_name(enum catalog_method method);

/* Does a client get the list page by page? */
bool		catalog_is_paged(const struct catalog_route *route);

/* Does its answer come page by page as one body? */
bool		catalog_is_streamed(const struct catalog_route *route);

/* Is the answer, as JSON, an array of rows? */
bool		catalog_gives_list(const struct catalog_route *route);

/* Has its answer no body? */
bool		catalog_gives_nothing(const struct catalog_route *route);

/* Is it text that an answer of this route shows, and may be compressed? */
bool		catalog_gives_text(const struct catalog_route *route);

/* Is what the route answers worth keeping, so that it has an ETag? */
bool		catalog_is_kept(const struct catalog_route *route);

/* Index of a parameter by name, or -1. */
int			catalog_param_index(const struct catalog_route *route, const char *name);

/* The value of a parameter by name; NULL when it is NULL or there is no such parameter. */
const char *catalog_value(const struct catalog_route *route, const struct param_values *values,
						  const char *name);

#endif
