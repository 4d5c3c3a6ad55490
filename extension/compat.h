/*
 * compat.h: the only place that looks at PG_VERSION_NUM. PostgreSQL 15 is
 * the oldest supported version.
 */
#ifndef TT_COMPAT_H
#define TT_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "timetrackr needs PostgreSQL 15 or later"
#endif

/* What is in a bytea or a text: PostgreSQL 16 has a header of its own for it. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* PostgreSQL 18 wants the module's name and version in its magic block. */
#if PG_VERSION_NUM >= 180000
#define TT_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "timetrackr", .version = TIMETRACKR_VERSION)
#else
#define TT_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* Stands before the type: PostgreSQL 18 has its own, and no longer the attribute behind. */
#if PG_VERSION_NUM >= 180000
#define TT_NORETURN pg_noreturn
#else
#define TT_NORETURN __attribute__((noreturn))
#endif

/* Another argument each, which nothing here needs. */
#if PG_VERSION_NUM >= 180000
#define tt_index_beginscan(table, index, snapshot, nkeys) index_beginscan(table, index, snapshot, NULL, nkeys, 0)
#else
#define tt_index_beginscan(table, index, snapshot, nkeys) index_beginscan(table, index, snapshot, nkeys, 0)
#endif

/* Where the executor keeps CHECK constraints of a table; 18 has some that are not enforced. */
#if PG_VERSION_NUM < 180000
#define TT_KEEPS_CHECKS
#endif

/* A range table of one table; tells where its updated columns are noted. rights is an empty list. */
#if PG_VERSION_NUM >= 180000
#define tt_range_table(estate, entry, rights) \
	((void) addRTEPermissionInfo(&(rights), entry), \
	 ExecInitRangeTable(estate, list_make1(entry), rights, bms_make_singleton(1)), \
	 &linitial_node(RTEPermissionInfo, rights)->updatedCols)
#elif PG_VERSION_NUM >= 160000
#define tt_range_table(estate, entry, rights) \
	((void) addRTEPermissionInfo(&(rights), entry), ExecInitRangeTable(estate, list_make1(entry), rights), \
	 &linitial_node(RTEPermissionInfo, rights)->updatedCols)
#else
#define tt_range_table(estate, entry, rights) \
	((void) (rights), ExecInitRangeTable(estate, list_make1(entry)), &(entry)->updatedCols)
#endif

/* Has an entry of a query's range table be another table. PostgreSQL 16 keeps the rights to it beside. */
#if PG_VERSION_NUM >= 160000
#define tt_set_relation(query, entry, oid) \
	((entry)->perminfoindex == 0 ? (void) 0 : \
	 (void) (getRTEPermissionInfo((query)->rteperminfos, entry)->relid = (oid)), \
	 (void) ((entry)->relid = (oid)))
#else
#define tt_set_relation(query, entry, oid) ((void) ((entry)->relid = (oid)))
#endif

#if PG_VERSION_NUM >= 160000
#define tt_epq_init(epq, estate) EvalPlanQualInit(epq, estate, NULL, NIL, -1, NIL)
#else
#define tt_epq_init(epq, estate) EvalPlanQualInit(epq, estate, NULL, NIL, -1)
#endif

#endif
