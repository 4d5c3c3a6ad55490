/*
 * at_home.c: statements of clients, run where a user's rows are. Citus sends a
 * call of at_home() to the user's home, and there its statement is planned on
 * his shards (home_plan.h), once for each home. at_each_home() does it for all
 * homes of this node.
 */
#include "timetrackr.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "error.h"
#include "funcapi.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

PG_FUNCTION_INFO_V1(tt_answer_at_home);
PG_FUNCTION_INFO_V1(tt_at_home);
PG_FUNCTION_INFO_V1(tt_at_each_home);

/* Most statements of one session, whose plans are kept as long as it lives. */
#define STATEMENTS_MAX 1000

/* sqlstate, message, detail, hint */
#define REFUSAL_COLUMNS 4

typedef struct Statement
{
	char	   *sql;			/* the key */
	TtQuery		query;
} Statement;

/* The values of one call. */
typedef struct Values
{
	Datum		datums[TT_QUERY_MAX_ARGS];
	bool		nulls[TT_QUERY_MAX_ARGS];
} Values;

static HTAB *statements = NULL;

static uint32
hash_of_text(const void *key, Size size)
{
	const char *sql = *(char *const *) key;

	return string_hash(sql, strlen(sql) + 1);
}

static int
compare_texts(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
create_table_of_statements(void)
{
	HASHCTL		control = {
		.keysize = sizeof(char *), .entrysize = sizeof(Statement),
		.hash = hash_of_text, .match = compare_texts, .hcxt = TopMemoryContext
	};

	statements = hash_create("timetrackr statements", 64, &control,
							 HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/* Find out what types the parameters have, as for a client that prepares the statement. */
static void
describe(TtQuery *query, const char *sql)
{
	List	   *parsed = raw_parser(sql, RAW_PARSE_DEFAULT);
	Oid		   *types = NULL;
	int			count = 0;

	if (list_length(parsed) != 1 ||
		parse_analyze_varparams(linitial(parsed), sql, &types, &count, NULL)->commandType == CMD_UTILITY)
		ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("not one statement that reads or writes rows: %s", sql));
	if (count > TT_QUERY_MAX_ARGS)
		ereport(ERROR, errcode(ERRCODE_TOO_MANY_ARGUMENTS),
				errmsg("a statement has at most %d parameters", TT_QUERY_MAX_ARGS));
	*query = (TtQuery) {.nargs = count, .where = TT_AT_EACH_HOME};
	for (int i = 0; i < count; i++)
		query->argtypes[i] = OidIsValid(types[i]) && types[i] != UNKNOWNOID ? types[i] : TEXTOID;
}

static TtQuery *
query_of(const char *sql)
{
	Statement  *statement;
	TtQuery		query;

	if (statements == NULL)
		create_table_of_statements();
	statement = hash_search(statements, &sql, HASH_FIND, NULL);
	if (statement != NULL)
		return &statement->query;
	if (hash_get_num_entries(statements) >= STATEMENTS_MAX)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("a session has at most %d different statements at users' homes", STATEMENTS_MAX));
	describe(&query, sql);
	sql = query.sql = MemoryContextStrdup(TopMemoryContext, sql);
	statement = hash_search(statements, &sql, HASH_ENTER, NULL);
	statement->query = query;
	return &statement->query;
}

static void
read_values(Values *values, const TtQuery *query, ArrayType *array)
{
	Datum	   *texts;
	bool	   *nulls;
	int			count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts, &nulls, &count);
	if (count != query->nargs)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%d values for %d parameters", count, query->nargs));
	for (int i = 0; i < count; i++)
	{
		Oid			input;
		Oid			element;

		getTypeInputInfo(query->argtypes[i], &input, &element);
		values->nulls[i] = nulls[i];
		values->datums[i] = OidInputFunctionCall(input, nulls[i] ? NULL : TextDatumGetCString(texts[i]), element, -1);
	}
}

/* Run a statement at a home, and add its rows to the set, which has so many columns more: NULL. */
static void
run(TtHome home, TtQuery *query, const Values *values, ReturnSetInfo *set, int more)
{
	tt_spi_begin();
	(void) tt_query_at(home, query, values->datums, values->nulls);
	tt_put_rows(set, more);
	tt_spi_end();
}

/* An error with its codes where Citus hands them on; the one that is being caught. */
static ErrorData *
caught_error(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	tt_hint_codes(error);
	return error;
}

/* The same for a statement that another node may have sent here: functions in SQL raise errors, too. */
static void
run_for_client(TtHome home, TtQuery *query, const Values *values, ReturnSetInfo *set)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		run(home, query, values, set, 0);
	}
	PG_CATCH();
	{
		ReThrowError(caught_error(context));
	}
	PG_END_TRY();
}

static void
require_refusal_columns(TupleDesc columns)
{
	bool		good = columns->natts >= REFUSAL_COLUMNS;

	for (int i = columns->natts - REFUSAL_COLUMNS; good && i < columns->natts; i++)
		good = TupleDescAttr(columns, i)->atttypid == TEXTOID;
	if (!good)
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("the last four columns are not sqlstate, message, detail and hint, of type text"));
}

/* A row that has only what a client is told of a refusal, in its last columns. */
static void
put_refusal(const ErrorData *error, ReturnSetInfo *set)
{
	const char *const fields[REFUSAL_COLUMNS] = {
		unpack_sql_state(error->sqlerrcode), error->message, error->detail, error->hint
	};
	const int	count = set->setDesc->natts;
	Datum	   *values = palloc0(count * sizeof(Datum));
	bool	   *nulls = palloc(count * sizeof(bool));

	memset(nulls, true, count * sizeof(bool));
	for (int i = 0; i < REFUSAL_COLUMNS; i++)
	{
		const int	column = count - REFUSAL_COLUMNS + i;

		nulls[column] = fields[i] == NULL;
		values[column] = nulls[column] ? (Datum) 0 : CStringGetTextDatum(fields[i]);
	}
	tuplestore_putvalues(set->setResult, set->setDesc, values, nulls);
}

/* The same for one whom a row tells of a refusal, by a function of ours: what it had done is undone. */
static void
run_for_answer(TtHome home, TtQuery *query, const Values *values, ReturnSetInfo *set)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	require_refusal_columns(set->setDesc);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run(home, query, values, set, REFUSAL_COLUMNS);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error = caught_error(context);

		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!tt_is_refusal(error))
			ReThrowError(error);
		put_refusal(error, set);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

/* The common part of at_home() and answer_at_home(). */
static void
run_by(FunctionCallInfo fcinfo, void (*run_it) (TtHome home, TtQuery *query, const Values *values, ReturnSetInfo *set))
{
	const int64 user_id = PG_GETARG_INT64(0);
	const TtHome home = tt_home(user_id);
	TtQuery    *query;
	Values		values;

	if (home == TT_NO_HOME && tt_is_distributed())
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("user " INT64_FORMAT " is at home on another node", user_id),
				errhint("A call by itself, in no transaction block, is sent there."));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	query = query_of(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	read_values(&values, query, PG_GETARG_ARRAYTYPE_P(2));
	run_it(home, query, &values, castNode(ReturnSetInfo, fcinfo->resultinfo));
}

/* at_home(user_id, statement, arguments) → rows; strict */
Datum
tt_at_home(PG_FUNCTION_ARGS)
{
	run_by(fcinfo, run_for_client);
	return (Datum) 0;
}

/* answer_at_home(user_id, statement, arguments) → rows; strict */
Datum
tt_answer_at_home(PG_FUNCTION_ARGS)
{
	run_by(fcinfo, run_for_answer);
	return (Datum) 0;
}

/* at_each_home(statement, arguments) → rows; strict */
Datum
tt_at_each_home(PG_FUNCTION_ARGS)
{
	TtHome		home = tt_next_home(TT_NO_HOME);
	TtQuery    *query;
	Values		values;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (home == TT_NO_HOME && tt_is_distributed())
		return (Datum) 0;
	query = query_of(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	read_values(&values, query, PG_GETARG_ARRAYTYPE_P(1));
	do
	{
		run(home, query, &values, castNode(ReturnSetInfo, fcinfo->resultinfo), 0);
		home = tt_next_home(home);
	} while (home != TT_NO_HOME);
	return (Datum) 0;
}
