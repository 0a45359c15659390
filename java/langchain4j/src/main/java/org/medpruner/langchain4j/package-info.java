/**
 * LangChain4j chat models that take medical volumes: {@link
 * org.medpruner.langchain4j.MedPrunerChatModel} and its streaming view, {@link
 * org.medpruner.langchain4j.VolumeContent} for messages, and what requests and responses have
 * beyond LangChain4j's own.
 */
package org.medpruner.langchain4j;
