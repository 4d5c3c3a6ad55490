/*
 * openapi_example.c - see openapi_example.h. A field without an example of its
 * own has its type's.
 */
#include "openapi_example.h"

#include "fields.h"
#include "openapi_type.h"

static void add_columns(struct text *out, const struct catalog *catalog, const char *scope,
						const struct catalog_column *columns, size_t count, bool first);

static void
add_value(struct text *out, const struct catalog *catalog, const char *scope, const char *name,
		  const struct catalog_type *type)
{
	const struct field_rule *rule = fields_find(catalog->fields, scope, name);

	if (rule != NULL && rule->example != NULL)
	{
		text_add(out, rule->example);
		return;
	}
	switch (type->kind)
	{
		case KIND_BOOLEAN:
			text_add(out, "true");
			break;
		case KIND_INTEGER:
		case KIND_BIGINT:
		case KIND_NUMBER:
			text_add_char(out, '1');
			break;
		case KIND_TIMESTAMP:
			text_add(out, "\"2026-03-02T08:30:00Z\"");
			break;
		case KIND_DATE:
			text_add(out, "\"2026-03-02\"");
			break;
		case KIND_ENUM:
			text_add_json(out, type->labels[0]);
			break;
		case KIND_ARRAY:
			text_add_char(out, '[');
			add_value(out, catalog, scope, "", type->element);
			text_add_char(out, ']');
			break;
		case KIND_RECORD:
			text_add_char(out, '{');
			add_columns(out, catalog, type->name, type->fields, type->field_count, true);
			break;
		case KIND_JSON:
			text_add(out, "{}");
			break;
		default:
			text_add_json(out, name);
			break;
	}
}

/* The members of an object that is begun already, and its end. */
static void
add_columns(struct text *out, const struct catalog *catalog, const char *scope,
			const struct catalog_column *columns, size_t count, bool first)
{
	for (size_t i = 0; i < count; i++)
	{
		openapi_add_member(out, &first, columns[i].name);
		add_value(out, catalog, scope, columns[i].name, columns[i].type);
	}
	text_add_char(out, '}');
}

void
openapi_add_body_example(struct text *out, const struct catalog *catalog,
						 const struct catalog_route *route)
{
	bool		first = true;

	text_add_char(out, '{');
	for (size_t i = 0; i < route->param_count; i++)
	{
		const struct catalog_param *param = &route->params[i];
		const struct field_rule *rule = fields_find(catalog->fields, route->function, param->name);

		if (param->source != SOURCE_BODY ||
			(!param->required && (rule == NULL || rule->example == NULL)))
			continue;
		openapi_add_member(out, &first, param->name);
		add_value(out, catalog, route->function, param->name, param->type);
	}
	text_add_char(out, '}');
}

void
openapi_add_answer_example(struct text *out, const struct catalog *catalog,
						   const struct catalog_route *route)
{
	bool		is_list = catalog_gives_list(route);
	bool		is_session = route->shape == SHAPE_SESSION;

	text_add(out, is_list ? "[{" : "{");
	if (is_session)
		text_add(out, "\"access_token\":\"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl\","
				 "\"token_type\":\"Bearer\",\"expires_in\":3600");
	add_columns(out, catalog, route->function, route->columns, route->column_count, !is_session);
	if (is_list)
		text_add_char(out, ']');
}

void
openapi_add_csv_example(struct text *out, const struct catalog *catalog,
						const struct catalog_route *route)
{
	const struct field_rule *rule = fields_find(catalog->fields, route->function, "csv");

	if (rule != NULL && rule->example != NULL)
		text_printf(out, ",\"example\":%s", rule->example);
}
