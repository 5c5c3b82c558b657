#include <cblas.h>
#include <stddef.h>

// LAPACK as OpenBLAS carries it: Fortran's own interface, matrices column by column, the lengths of texts at the end.
extern void dgesdd_(
    const char *jobz, const blasint *m, const blasint *n, double *a, const blasint *lda, double *s, double *u,
    const blasint *ldu, double *vt, const blasint *ldvt, double *work, const blasint *lwork, blasint *iwork,
    blasint *info, size_t jobz_length);
extern void dsyevr_(
    const char *jobz, const char *range, const char *uplo, const blasint *n, double *a, const blasint *lda,
    const double *vl, const double *vu, const blasint *il, const blasint *iu, const double *abstol, blasint *m, double *w,
    double *z, const blasint *ldz, blasint *isuppz, double *work, const blasint *lwork, blasint *iwork,
    const blasint *liwork, blasint *info, size_t jobz_length, size_t range_length, size_t uplo_length);
extern void dsyevd_(
    const char *jobz, const char *uplo, const blasint *n, double *a, const blasint *lda, double *w, double *work,
    const blasint *lwork, blasint *iwork, const blasint *liwork, blasint *info, size_t jobz_length, size_t uplo_length);
extern void dgeqrf_(
    const blasint *m, const blasint *n, double *a, const blasint *lda, double *tau, double *work, const blasint *lwork,
    blasint *info);
extern void dorgqr_(
    const blasint *m, const blasint *n, const blasint *k, double *a, const blasint *lda, const double *tau,
    double *work, const blasint *lwork, blasint *info);
extern void dgetrf_(const blasint *m, const blasint *n, double *a, const blasint *lda, blasint *ipiv, blasint *info);
extern void dposv_(
    const char *uplo, const blasint *n, const blasint *nrhs, double *a, const blasint *lda, double *b,
    const blasint *ldb, blasint *info, size_t uplo_length);
