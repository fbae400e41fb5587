suppressMessages({library(lme4);library(lmerTest);library(clubSandwich);library(jsonlite)})
set.seed(3)
I<-9;T<-5; d<-expand.grid(site=1:I,period=1:T); d$n<-sample(4:9,nrow(d),TRUE); start<-rep(2:4,each=3)
d$treated<-as.integer(d$period>=start[d$site]); u<-rnorm(I,0,.5); v<-rnorm(nrow(d),0,.3)
d$mu<-round(u[d$site]+v+.2*d$period+.4*d$treated,6)
r<-d[rep(seq_len(nrow(d)),d$n),]; r$y<-round(r$mu+rnorm(nrow(r)),3)
r$exposure<-ifelse(r$treated==1,r$period-start[r$site]+1,0)
m<-lmer(y~treated+factor(period)+(1|site)+(1|site:period),r,REML=TRUE,control=lmerControl(optCtrl=list(ftol_abs=1e-14,xtol_abs=1e-10)))
e<-lmer(y~treated+factor(period)+(1|site),r,REML=TRUE)
x<-lmer(y~factor(exposure)+factor(period)+(1|site),r,REML=TRUE)
s<-summary(m)$coefficients["treated",]; se<-summary(e)$coefficients["treated",]; sx<-summary(x)$coefficients
cl<-function(f,t){k<-coef_test(f,vcov=vcovCR(f,type=t,cluster=r$site),test="Satterthwaite");i<-which(rownames(vcovCR(f,type=t,cluster=r$site))=="treated");list(se=k$SE[i],df=k$df_Satt[i])}
o<-lm(y~treated+factor(period),r)
out<-list(what="Stepped wedge, 9 sites, 5 periods; R lme4/lmerTest/clubSandwich; see tests/reference/policy_wedge.R",versions=list(R=R.version.string,lme4=as.character(packageVersion("lme4")),lmerTest=as.character(packageVersion("lmerTest")),clubSandwich=as.character(packageVersion("clubSandwich"))),
rows=list(site=r$site,period=r$period,treated=r$treated,y=r$y),
nested=list(beta=s[["Estimate"]],se=s[["Std. Error"]],df=s[["df"]],sd=as.data.frame(VarCorr(m))$sdcor),
exchangeable=list(beta=se[["Estimate"]],se=se[["Std. Error"]],df=se[["df"]],sd=as.data.frame(VarCorr(e))$sdcor,CR2=cl(e,"CR2"),CR3=cl(e,"CR3")),
independence=list(beta=coef(o)[["treated"]],CR2=cl(o,"CR2"),CR3=cl(o,"CR3")),
exposure=list(beta=unname(fixef(x)[2:5]),se=unname(sx[2:5,"Std. Error"])))
write_json(out,"tests/reference/policy_wedge.json",auto_unbox=TRUE,digits=15)
